"""The first version of every household of a chunk: plan, ask, merge, sign, and one transaction for all of them.

Deferred sources that may well answer soon are asked first, and the chunk is put off until they have; then all others are
asked, and one version tells everything. Whoever has not answered when the patience ends is pending in it.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from verify_service.bulk import pacing
from verify_service.bulk.earlier import others_turn, told_today
from verify_service.bulk.pooling import Pool, count, pool, together
from verify_service.bulk.tickets import Looked, look_at_all
from verify_service.bulk.versions import chunk_job, issue_of, kept_exchanges, kept_tickets, settle_status
from verify_service.domain.outcome import Answer, Question
from verify_service.domain.request import VerificationRequest
from verify_service.errors import NoConsent
from verify_service.services import Services
from verify_service.signing.signer import sign
from verify_service.storage.batch_records import ChunkIssue, ChunkRow, ChunkTask, ChunkWork, NewVerification, PutOff, Rejection
from verify_service.storage.records import Issue
from verify_service.verification.fanout import Call, fan_out
from verify_service.verification.plan import Plan, local_day
from verify_service.verification.verify import Job

_ASK_SECONDS = 60.0
_AT_ONCE = 3  # households between two turns of the event loop: a new connection needs six turns within its second


@dataclass(frozen=True, slots=True)
class Planned:
    """A household of the chunk with its questions."""

    row: ChunkRow
    job: Job
    plan: Plan


@dataclass(slots=True)
class Made:
    """What a chunk brings so far."""

    issues: list[Issue] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    requests: dict[str, NewVerification] = field(default_factory=dict)
    rejections: Sequence[Rejection] = ()


async def verify(services: Services, work: ChunkWork) -> None:
    """Issue all first versions, or say what the chunk waits for before that can be done."""
    requests = await _read(work)
    off = await _begin(services, work, requests) if work.begun_at is None else None
    if off is None:
        off = await _ask_all(services, work, requests, work.begun_at or services.clock())
    if off is not None:
        await services.store.batches.put_off(off)


async def _begin(services: Services, work: ChunkWork, requests: Sequence[VerificationRequest]) -> PutOff | None:
    """Ask the deferred sources, when nobody else asks about the same people. None when everything may be asked now."""
    if (wait := await others_turn(services, work, requests)) is not None:
        return PutOff(work, wait)
    return await _hand_in(services, work, requests, services.clock())


async def _hand_in(services: Services, work: ChunkWork, requests: Sequence[VerificationRequest], begun_at: datetime) -> PutOff | None:
    """Ask the deferred sources that may answer soon. None when nothing was handed in: then they are asked with the others."""
    awaited = pacing.awaited(services)
    planned, _ = await _plan(work, requests, lambda job: services.verifier.plan_some(job, awaited, at=begun_at))
    pooled = _pool(planned)
    told = await told_today(services, work, [each.job.request for each in planned], pooled)
    to_ask = _except(pooled, told)
    if (wait := pacing.closed(services, work, to_ask)) is not None:
        return PutOff(work, wait)
    calls = await _ask(services, to_ask)
    tickets = kept_tickets(calls)
    wait = pacing.tickets_wait(services, ChunkTask.VERIFY, tickets)
    return None if wait is None else PutOff(work, wait, begun_at, kept_exchanges(calls), tickets)


async def _ask_all(services: Services, work: ChunkWork, requests: Sequence[VerificationRequest], begun_at: datetime) -> PutOff | None:
    """Look at the chunk's tickets and ask all other sources; issue. None when that was done."""
    tickets = await services.store.batches.waiting(work)
    asked_at = {kept.source: begun_at for kept in tickets}
    planned, rejections = await _plan(work, requests, lambda job: _whole_plan(services, job, asked_at))
    pooled = _pool(planned)
    handed_in = {question_id for kept in tickets for question_id in kept.question_ids}
    told = await told_today(services, work, [each.job.request for each in planned], pooled)
    to_ask = _except(pooled, handed_in | told.keys())
    if (wait := pacing.closed(services, work, to_ask)) is not None:
        return PutOff(work, wait)
    looked = await look_at_all(services, work, [(each.job, each.plan) for each in planned], tickets)
    wait = pacing.tickets_wait(services, ChunkTask.VERIFY, looked.open)
    if wait is not None and wait.due_at < pacing.patient_until(services, work, begun_at):
        return PutOff(work, wait, postponed=looked.open)
    calls = [*await _ask(services, to_ask), *looked.calls, *(call for i, call in told.items() if i not in handed_in)]
    made = await _make(services, await _numbered(services, work, planned), pooled.spread(calls))
    made.rejections = rejections
    await services.store.batches.issue(_issue(services, work, begun_at, made, calls, looked))
    return None


def _issue(services: Services, work: ChunkWork, begun_at: datetime, made: Made, calls: Sequence[Call], looked: Looked) -> ChunkIssue:
    tickets = kept_tickets(calls)
    return ChunkIssue(
        work=work,
        now=services.clock(),
        issues=made.issues,
        outcomes=count(made.answers),
        requests=made.requests,
        rejections=made.rejections,
        exchanges=kept_exchanges(calls),
        tickets=tickets,
        closed=looked.closed,
        postponed=looked.open,
        begun_at=begun_at,
        wait=pacing.following(services, work, begun_at, made.answers, [*looked.open, *tickets]),
    )


def _whole_plan(services: Services, job: Job, asked_at: Mapping[str, datetime]) -> Plan:
    at = services.clock()
    return services.verifier.plan(job.request, tenant=job.tenant, verification_id=job.verification_id, at=at, asked_at=asked_at)


async def _read(work: ChunkWork) -> list[VerificationRequest]:
    requests = []
    for i, row in enumerate(work.rows):
        requests.append(VerificationRequest.model_validate_json(row.request))
        await _breathe(i)
    return requests


async def _plan(
    work: ChunkWork, requests: Sequence[VerificationRequest], lay_out: Callable[[Job], Plan]
) -> tuple[list[Planned], list[Rejection]]:
    """Lay out the questions; a household without a live consent by now is rejected, and nothing is asked about it."""
    planned, rejections = [], []
    for i, (row, request) in enumerate(zip(work.rows, requests, strict=True)):
        job = chunk_job(work, row, request)
        try:
            planned.append(Planned(row, job, lay_out(job)))
        except NoConsent:
            rejections.append(Rejection(row.no, row.line, "", "no_consent"))
        await _breathe(i)
    return planned, rejections


def _pool(planned: Sequence[Planned]) -> Pool:
    return pool(q for each in planned for group in each.plan.asked.values() for q in group)


def _except(pooled: Pool, ids: Container[str]) -> dict[str, list[Question]]:
    """Return the questions, by source, without those that need not be asked: handed in already, or told today."""
    left = {source: [q for q in questions if q.id not in ids] for source, questions in pooled.asked.items()}
    return {source: questions for source, questions in left.items() if questions}


async def _ask(services: Services, asked: Mapping[str, Sequence[Question]]) -> list[Call]:
    deadline = asyncio.get_running_loop().time() + _ASK_SECONDS
    calls = await fan_out(asked, channels=services.channels, deadline=deadline, ask=together)
    settle_status(services, calls)
    return calls


async def _numbered(services: Services, work: ChunkWork, planned: Sequence[Planned]) -> list[Planned]:
    """Give every household its request number, those of a region at once."""
    day, regions = local_day(work.accepted_at), Counter(each.job.request.region for each in planned)
    numbers = {region: iter(await services.store.numbers.take_many(region, day, many)) for region, many in regions.items()}
    return [replace(each, job=replace(each.job, request_no=next(numbers[each.job.request.region]))) for each in planned]


async def _make(services: Services, planned: Sequence[Planned], answered: Mapping[str, Answer]) -> Made:
    """Merge, compose and sign every household."""
    made, key = Made(), services.keyring().active
    verifier = replace(services.verifier, sign=lambda report: sign(report, key))  # one key for a chunk: it is looked up on the disk
    for i, each in enumerate(planned):
        answers = [*each.plan.unasked, *(answered[q.id] for group in each.plan.asked.values() for q in group)]
        made.issues.append(issue_of(verifier.version(each.job, answers)))
        made.answers += answers
        made.requests[each.row.verification_id] = _new(each)
        await _breathe(i)
    return made


def _new(each: Planned) -> NewVerification:
    numbers = [member.id_number.reveal() for member in each.job.request.household.members]
    return NewVerification(each.row.reference, each.job.request_no, each.row.request, hashlib.sha256(each.row.request).hexdigest(), numbers)


async def _breathe(i: int) -> None:
    """Let the event loop serve others: live requests and other calls wait for three households at most, not for a chunk."""
    if i % _AT_ONCE == 0:
        await asyncio.sleep(0)
