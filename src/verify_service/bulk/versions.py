"""From verified households to what is stored of them: shared by the first issue of a chunk and by every later one."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

import orjson

from verify_service.bulk.recompute import header_of
from verify_service.domain.amendment import Made
from verify_service.domain.request import VerificationRequest
from verify_service.services import Services
from verify_service.storage.batch_records import ChunkRow, ChunkWork
from verify_service.storage.records import Issue, ReportVersion, StoredExchange, StoredTicket, VerificationState
from verify_service.verification.amend import objected
from verify_service.verification.answer import payload_of
from verify_service.verification.fanout import Call, file_digest
from verify_service.verification.rounds import in_rounds
from verify_service.verification.verify import Job, Verified


def chunk_job(work: ChunkWork, row: ChunkRow, request: VerificationRequest) -> Job:
    """Return the verification that a row is."""
    return Job(work.tenant, work.client_id, row.verification_id, request, work.fence, work.accepted_at, row.request_no)


def issue_of(verified: Verified) -> Issue:
    """Return what is stored of one household; exchanges and tickets are the chunk's."""
    header, job = verified.report["header"], verified.job
    version = ReportVersion(
        id=header["report_id"],
        verification_id=job.verification_id,
        version=header["version"],
        state=header["state"],
        digest=verified.signed.digest,
        kid=verified.signed.kid,
        issued_at=verified.issued_at,
        replaces=header["replaces"],
    )
    return Issue(
        tenant=job.tenant,
        verification_id=job.verification_id,
        fence=job.fence,
        report=version,
        jws=verified.signed.jws.encode("ascii"),
        state=VerificationState(header["state"]),
        actor=job.client_id,
        now=verified.issued_at,
        payload=verified.signed.payload,
        answers=verified.changed,
    )


async def concluded_on(services: Services, *, tenant: str, report_id: str, made: Sequence[Made]) -> date | None:
    """Return the day on which a report was there, if an objection keeps it for later versions; else None, and nothing is read."""
    if not objected(made):
        return None
    stored = await services.store.report(tenant=tenant, report_id=report_id, actor="worker", now=services.clock())
    return header_of(orjson.loads(payload_of(stored.jws))).concluded_on


def settle_status(services: Services, calls: Iterable[Call]) -> None:
    """Tell the sources how their calls ended."""
    for call in calls:
        services.channels[call.source].runtime.status.settled(call.answers)


def kept_exchanges(calls: Sequence[Call]) -> list[StoredExchange]:
    """Return the evidence of calls that many households share."""
    return [
        StoredExchange(call.source, number, i, tuple(q.id for q in call.questions), exchange)
        for number, call in enumerate(calls)
        for i, exchange in enumerate(call.exchanges)
    ]


def kept_tickets(calls: Iterable[Call]) -> list[StoredTicket]:
    """Return the tickets of deferred sources."""
    return [
        StoredTicket(call.source, tuple(q.id for q in call.questions), call.ticket, file_digest=file_digest(call))
        for call in calls
        if call.ticket is not None
    ]


def next_round(services: Services, tickets: Iterable[StoredTicket]) -> datetime | None:
    """Return when the chunk's open tickets are looked at next, None if there are none."""
    looks = {kept.ticket.dedupe_key: kept.ticket.next_look for kept in tickets}
    return min(in_rounds(looks, within_seconds=services.limits.look_together_seconds).values(), default=None)
