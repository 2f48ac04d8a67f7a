"""Deferred registers answer later: look at the due tickets of a verification, and issue one next version of what was told.

Nobody holds the verification while its tickets are looked at, so an officer may act meanwhile; it is claimed when there is
something to issue, and what was told is then merged with the answers of that moment. A process that dies in between leaves
tickets that are due again. The same look twice gives the same answer, and only one of them can be issued.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from verify_service.amending.holding import claimed
from verify_service.bodies import read_request
from verify_service.bulk.looking import content, look_once, questions_of
from verify_service.bulk.versions import concluded_on
from verify_service.errors import VerifyError
from verify_service.services import Services
from verify_service.sources.adapter import NotYet
from verify_service.storage.errors import LostLease
from verify_service.storage.records import TicketClaim, TicketState, VerificationRow
from verify_service.verification.fanout import Call, HandedInAgain
from verify_service.verification.rounds import in_rounds
from verify_service.verification.verify import Job, Previous

_log = structlog.get_logger("verify_service.deferred")
Looked = tuple[TicketClaim, Call]


async def look_at(services: Services, claims: Sequence[TicketClaim]) -> None:
    """Look once at the due tickets of one verification. What they tell makes one version; the other looks are put off.

    Past its latest date a ticket's cells are closed as a timeout.
    """
    row = await services.store.verification(tenant=claims[0].tenant, verification_id=claims[0].verification_id)
    previous = await _previous(services, row)
    looked = list(zip(claims, await asyncio.gather(*(_look(services, claim, previous) for claim in claims)), strict=True))
    told = [(claim, found) for claim, found in looked if isinstance(found, Call) and _tells(found, previous)]
    due = {_key(claim): found.next_look for claim, found in looked if found.next_look and not isinstance(found, HandedInAgain)}
    looks = in_rounds(due, within_seconds=services.limits.look_together_seconds)
    spoken = {_key(claim) for claim, _ in told}
    await services.store.postpone([(claim, looks[_key(claim)]) for claim in claims if _key(claim) in looks.keys() - spoken])
    if told:
        await _issue(services, told, looks)


def _key(claim: TicketClaim) -> str:
    return claim.ticket.ticket.dedupe_key


def _tells(found: Call, previous: Previous) -> bool:
    """Say whether a look makes a version: its ticket is closed, or something is new since the version before.

    Digests and times of a repeated look are not new.
    """
    known = {a.question.id: a for a in previous.answers}
    return found.next_look is None or any(content(a) != content(known[a.question.id]) for a in found.answers)


async def _issue(services: Services, told: Sequence[Looked], looks: Mapping[str, datetime]) -> None:
    """Issue one version of all that was told; while an officer acts on the verification it waits for the next look."""
    first = told[0][0]
    try:
        async with claimed(services, tenant=first.tenant, verification_id=first.verification_id, now=services.clock()) as row:
            await _issue_held(services, row, told, looks)
    except LostLease:
        await services.store.postpone([(claim, services.clock()) for claim, _ in told])


async def _issue_held(services: Services, row: VerificationRow, told: Sequence[Looked], looks: Mapping[str, datetime]) -> None:
    """Issue what is still waited for; a ticket waits on when institutions owe their answer. Raises LostLease if nothing is."""
    tickets = await services.store.tickets(tenant=row.tenant, verification_id=row.id)
    waiting = {kept.ticket for kept in tickets if kept.state is TicketState.WAITING}
    wanted = [(claim, call) for claim, call in told if claim.ticket.ticket in waiting]
    if not wanted:
        raise LostLease(row.id)
    before = await _previous(services, row)
    concluded = await concluded_on(services, tenant=row.tenant, report_id=before.report_id, made=before.made)
    verified = services.verifier.renew(_job(row), [call for _, call in wanted], replace(before, concluded_on=concluded))
    closed = {_key(claim): _state(call) for claim, call in wanted if call.next_look is None}
    open_still = {_key(claim): looks[_key(claim)] for claim, call in wanted if call.next_look is not None}
    await services.issue(verified, closed=closed, next_looks=open_still)
    for claim, call in wanted:
        _log.info("deferred.issued", source=claim.ticket.source, verification=row.id, state=_state(call).value)


def _state(call: Call) -> TicketState:
    if call.next_look is not None:
        return TicketState.WAITING
    return TicketState.DONE if call.readable else TicketState.EXPIRED


async def _previous(services: Services, row: VerificationRow) -> Previous:
    """Return the current report version and the answers it was made from."""
    if row.current_report_id is None:
        raise ValueError("a ticket without a report")
    versions = await services.store.versions(tenant=row.tenant, report_id=row.current_report_id)
    answers = await services.store.answers(tenant=row.tenant, verification_id=row.id)
    made = await services.store.amendments(tenant=row.tenant, verification_id=row.id)
    return Previous(row.current_report_id, versions[-1].version, answers, made)


def _job(row: VerificationRow) -> Job:
    return Job(row.tenant, row.client_id, row.id, read_request(row.request), row.fence, row.created_at, row.request_no)


@dataclass(slots=True)
class _Grounds:
    """Whether work may be handed in again: a new question, so the verification is held from the look at its consents on."""

    services: Services
    claim: TicketClaim
    fence: int | None = None

    async def may_ask(self) -> bool:
        """Say whether every question of the ticket still has its live ground. Raises LostLease while an officer acts."""
        of, services = self.claim, self.services
        async with claimed(services, tenant=of.tenant, verification_id=of.verification_id, now=services.clock()) as row:
            self.fence = row.fence
            previous = await _previous(services, row)
            return services.verifier.may_ask(_job(row), questions_of(of, previous), previous.made)

    async def keep(self, again: HandedInAgain) -> None:
        """Keep the new receipt. Raises LostLease."""
        claim, fence, now = self.claim, self.fence or 0, self.services.clock()
        await self.services.store.hand_in_again(claim, fence=fence, ticket=again.ticket, file_digest=again.file_digest, now=now)
        _log.warning("deferred.handed_in_again", source=claim.ticket.source, verification=claim.verification_id)

    async def let_go(self) -> None:
        """End the holding, if there was any."""
        if self.fence is not None:
            with suppress(VerifyError):  # whoever took it over meanwhile holds it
                of = self.claim
                await self.services.store.renew(tenant=of.tenant, verification_id=of.verification_id, fence=self.fence, lease_until=None)


async def _look(services: Services, claim: TicketClaim, previous: Previous) -> Call | NotYet:
    """Look at one ticket; keep the new receipt of work that had to be handed in again."""
    grounds = _Grounds(services, claim)
    try:
        found = await look_once(services, claim, previous, grounds.may_ask)
        if isinstance(found, HandedInAgain):
            await grounds.keep(found)
    except LostLease:
        return NotYet(services.clock())
    finally:
        await grounds.let_go()
    return found
