"""Hold a verification for one act: claim it, see that the report named is the current one, and let go whatever happens."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import orjson

from verify_service.bodies import read_request
from verify_service.domain.amendment import Amendment
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.request import VerificationRequest
from verify_service.errors import Superseded, VerifyError, WrongState
from verify_service.services import Finished, Services
from verify_service.storage.records import Client, Key, TicketState, VerificationRow
from verify_service.verification.amend import amended, ended
from verify_service.verification.answer import payload_of
from verify_service.verification.fanout import Call
from verify_service.verification.verify import Job, Previous


@dataclass(frozen=True, slots=True)
class Held:
    """A verification that this process holds, with its current report."""

    services: Services
    client: Client
    job: Job
    previous: Previous
    report: Mapping[str, Any] = field(repr=False)
    now: datetime

    @property
    def request(self) -> VerificationRequest:
        """Return the request as it holds after the amendments so far."""
        return amended(self.job.request, self.previous.made)

    @property
    def waiting(self) -> list[Answer]:
        """Return the answers that a deferred register still owes."""
        return [a for a in self.previous.answers if a.outcome.next_look is not None]

    async def issue(
        self,
        amendment: Amendment,
        *,
        key: Key | None,
        answers: Sequence[Answer] | None = None,
        calls: Sequence[Call] = (),
        closed: Mapping[str, TicketState] | None = None,
    ) -> Finished:
        """Issue the version that this amendment makes, in one transaction. Raises LostLease, IdempotencyMismatch."""
        verified = self.services.verifier.amend(self.job, self.previous, amendment, answers=answers, calls=calls)
        return await self.services.issue(verified, closed=closed, key=key)

    async def end(self, answers: Iterable[Answer], code: OutcomeCode, detail: str) -> tuple[list[Answer], dict[str, TicketState]]:
        """Return all answers with these ended, and the tickets that stand for nothing any more."""
        over = {a.question.id: ended(a, code, detail) for a in answers}
        everything = [over.get(a.question.id, a) for a in self.previous.answers]
        tickets = await self.services.store.tickets(tenant=self.job.tenant, verification_id=self.job.verification_id)
        open_still = {a.question.id for a in self.waiting} - over.keys()
        waiting = [t for t in tickets if t.state is TicketState.WAITING and open_still.isdisjoint(t.question_ids)]
        return everything, {t.ticket.dedupe_key: TicketState.CANCELLED for t in waiting}


@asynccontextmanager
async def hold_report(services: Services, client: Client, report_id: str) -> AsyncIterator[Held]:
    """Hold the verification of a report that is current. Raises NotFound, Superseded, WrongState (withdrawn), LostLease."""
    versions = await services.versions(client, report_id)
    if versions[-1].id != report_id:
        raise Superseded(versions[-1].id)
    async with hold(services, client, versions[-1].verification_id) as held:
        if held.previous.report_id != report_id:
            raise Superseded(held.previous.report_id)
        yield held


@asynccontextmanager
async def hold(services: Services, client: Client, verification_id: str) -> AsyncIterator[Held]:
    """Hold a verification that has a report. Raises NotFound, WrongState (no report, withdrawn), LostLease (another holds it)."""
    now = services.clock()
    async with claimed(services, tenant=client.tenant, verification_id=verification_id, now=now) as row:
        yield await _held(services, client, row, now)


@asynccontextmanager
async def claimed(services: Services, *, tenant: str, verification_id: str, now: datetime) -> AsyncIterator[VerificationRow]:
    """Claim a verification for its next version, whose issue lets go of it, as an exception does. Raises NotFound, LostLease."""
    until = now + timedelta(seconds=services.limits.lease_seconds)
    row = await services.store.claim(tenant=tenant, verification_id=verification_id, now=now, lease_until=until)
    try:
        yield row
    except BaseException:
        with suppress(VerifyError):  # whoever took it over meanwhile holds it
            await services.store.renew(tenant=row.tenant, verification_id=row.id, fence=row.fence, lease_until=None)
        raise


async def _held(services: Services, client: Client, row: VerificationRow, now: datetime) -> Held:
    if row.current_report_id is None:
        raise WrongState("no_report", "a verification that has a report")
    stored = await services.report(client, row.current_report_id)
    report = orjson.loads(payload_of(stored.jws))
    if report["header"]["state"] == "withdrawn":
        raise WrongState("withdrawn", "a report that was not withdrawn")
    answers = await services.store.answers(tenant=row.tenant, verification_id=row.id)
    made = await services.store.amendments(tenant=row.tenant, verification_id=row.id)
    job = Job(row.tenant, client.id, row.id, read_request(row.request), row.fence, row.created_at, row.request_no)
    header = report["header"]
    until, concluded = date.fromisoformat(header["objection_until"]), header.get("concluded_on")
    concluded_on = None if concluded is None else date.fromisoformat(concluded)
    return Held(services, client, job, Previous(stored.id, stored.version, answers, made, until, concluded_on), report, now)
