"""Leases: who works on a verification. A claim raises the fence, so whoever held it before can write no more.

Looking at a ticket holds the ticket, not its verification: it is due again when the look must be over.

Leases end by the clock that is passed in; a wrong clock can only cause work twice, never two reports, since the fence decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from sqlalchemy import CTE, Connection, Select, bindparam, literal_column, or_, select, update

from verify_service.errors import NotFound
from verify_service.sources.adapter import Ticket
from verify_service.storage import audit, rows
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.errors import LostLease
from verify_service.storage.reading import read_verification
from verify_service.storage.records import TicketClaim, VerificationRow, VerificationState
from verify_service.storage.tables import tickets, verifications

_v, _t = verifications.c, tickets.c
_FREE = or_(_v.lease_until.is_(None), _v.lease_until <= bindparam("now"))
# States are written out, not bound: only then does the planner see that the partial indexes apply.
_IS_UNFINISHED = _v.state.in_([literal_column("'accepted'"), literal_column("'running'")])
_DUE_TICKET = (_t.state == literal_column("'waiting'"), _t.next_look <= bindparam("now"))


def _first_free(candidates: Select[Any], name: str) -> CTE:
    """Lock up to `most` rows that no other claim has locked (on SQLite the one writer needs no locks)."""
    return candidates.limit(bindparam("most")).with_for_update(of=verifications, skip_locked=True).cte(name)


_unfinished = _first_free(
    select(_v.id).where(_IS_UNFINISHED, _FREE).order_by(_v.lease_until),
    "unfinished",
)
_CLAIM_UNFINISHED = (
    update(verifications)
    .where(_v.id.in_(select(_unfinished.c.id)))
    .values(fence=_v.fence + 1, lease_until=bindparam("until"), state=VerificationState.RUNNING, updated_at=bindparam("now"))
    .returning(*verifications.c)
)
_waiting = _first_free(select(_v.id).where(_v.id.in_(select(_t.verification_id).where(*_DUE_TICKET)), _FREE), "waiting")
_TAKE_DUE = (
    update(tickets).where(_t.verification_id.in_(select(_waiting.c.id)), *_DUE_TICKET).values(next_look=bindparam("until")).returning(*_t)
)
_CLAIM_ONE = (
    update(verifications)
    .where(_v.id == bindparam("of_verification"), _v.tenant == bindparam("of_tenant"), _FREE)
    .values(fence=_v.fence + 1, lease_until=bindparam("until"))
    .returning(*verifications.c)
)
_RENEW = (
    update(verifications)
    .where(_v.id == bindparam("of_verification"), _v.tenant == bindparam("of_tenant"), _v.fence == bindparam("mine"))
    .values(lease_until=bindparam("until"))
)
_POSTPONE = (
    update(tickets)
    .where(
        _t.verification_id == bindparam("of_verification"),
        _t.dedupe_key == bindparam("of_key"),
        _t.state == literal_column("'waiting'"),
        _t.next_look == bindparam("held_until"),
    )
    .values(next_look=bindparam("new_look"))
)
_HAND_IN_AGAIN = (
    update(tickets)
    .where(_t.verification_id == bindparam("of_verification"), _t.dedupe_key == bindparam("of_key"))
    .values(
        reference=bindparam("new_reference"),
        next_look=bindparam("new_look"),
        file_digest=bindparam("new_digest"),
        submissions=_t.submissions + 1,
    )
)
_EXISTS = select(_v.id).where(_v.id == bindparam("of_verification"), _v.tenant == bindparam("of_tenant"))


@dataclass(frozen=True, slots=True)
class Lease:
    """A held verification."""

    tenant: str
    verification_id: str
    fence: int


def claim_unfinished(
    connection: Connection, cipher: FieldCipher, *, now: datetime, until: datetime, limit: int
) -> Sequence[VerificationRow]:
    """Take over up to `limit` accepted or running verifications whose lease has ended."""
    claimed = connection.execute(_CLAIM_UNFINISHED, {"now": now, "until": until, "most": limit})
    return [read_verification(cipher, row) for row in claimed.mappings().all()]


def claim_tickets(connection: Connection, *, now: datetime, until: datetime, limit: int) -> Sequence[TicketClaim]:
    """Take all due tickets of up to `limit` verifications that nobody holds: they are due again at `until`."""
    taken = connection.execute(_TAKE_DUE, {"now": now, "until": until, "most": limit}).mappings().all()
    return [TicketClaim(row["tenant"], row["verification_id"], rows.read_ticket(row)) for row in taken]


def claim_one(connection: Connection, cipher: FieldCipher, lease: Lease, *, now: datetime, until: datetime) -> VerificationRow:
    """Claim one verification that nobody holds (`lease.fence` is not looked at). Raises NotFound, LostLease if it is held."""
    values = {"of_verification": lease.verification_id, "of_tenant": lease.tenant, "now": now, "until": until}
    row = connection.execute(_CLAIM_ONE, values).mappings().first()
    if row is None:
        _refuse(connection, lease)
    return read_verification(cipher, row)


def renew(connection: Connection, lease: Lease, until: datetime | None) -> None:
    """Hold it until then; None lets go. Raises NotFound, LostLease."""
    values = {"of_verification": lease.verification_id, "of_tenant": lease.tenant, "mine": lease.fence, "until": until}
    if connection.execute(_RENEW, values).rowcount != 1:
        _refuse(connection, lease)


def postpone(connection: Connection, looks: Sequence[tuple[TicketClaim, datetime]]) -> None:
    """Look at the tickets again then; one that its claimant does not hold any more is left alone."""
    for claim, next_look in looks:
        receipt = claim.ticket.ticket
        held = {"of_verification": claim.verification_id, "of_key": receipt.dedupe_key, "held_until": receipt.next_look}
        connection.execute(_POSTPONE, {**held, "new_look": next_look})


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a register gave for work that it had forgotten, handed in at `now` while the verification was held under `fence`."""

    fence: int
    ticket: Ticket
    file_digest: str | None
    now: datetime


def hand_in_again(connection: Connection, claim: TicketClaim, receipt: Receipt) -> None:
    """Put the new receipt in the place of the forgotten one, and let go of its verification. Raises NotFound, LostLease."""
    renew(connection, Lease(claim.tenant, claim.verification_id, receipt.fence), None)
    key = {"of_verification": claim.verification_id, "of_key": claim.ticket.ticket.dedupe_key}
    ticket, digest = receipt.ticket, receipt.file_digest
    connection.execute(_HAND_IN_AGAIN, {**key, "new_reference": ticket.reference, "new_look": ticket.next_look, "new_digest": digest})
    detail = {"source": claim.ticket.source, "submission": claim.ticket.submissions + 1, "file_digest": digest}
    audit.record(connection, audit.Act(claim.tenant, receipt.now, "service", "ticket.handed_in_again", claim.verification_id, detail))


def _refuse(connection: Connection, lease: Lease) -> NoReturn:
    if connection.execute(_EXISTS, {"of_verification": lease.verification_id, "of_tenant": lease.tenant}).first() is None:
        raise NotFound
    raise LostLease(lease.verification_id)
