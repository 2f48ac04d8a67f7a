"""Verify a chunk of households together: plan, ask, merge, sign, and one transaction for all of them.

The chunk is held under its fence. Whoever takes it away - a cancellation, or another worker after this one was silent -
makes the write at the end be refused, and within a second the questions stop.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import structlog

from verify_service.bulk.pooling import count, pool, together
from verify_service.bulk.renewal import look_at_tickets, retry_failed
from verify_service.bulk.versions import chunk_job, issue_of, kept_exchanges, kept_tickets, next_round, settle_status
from verify_service.domain.outcome import Answer
from verify_service.domain.request import VerificationRequest
from verify_service.errors import NoConsent
from verify_service.services import Services
from verify_service.storage.batch_records import ChunkIssue, ChunkKey, ChunkRow, ChunkTask, ChunkWork, NewVerification, Rejection
from verify_service.storage.errors import LostLease
from verify_service.storage.records import Issue
from verify_service.telemetry import without_values
from verify_service.verification.fanout import fan_out
from verify_service.verification.plan import Plan, local_day
from verify_service.verification.verify import Job

T = TypeVar("T")
_log = structlog.get_logger("verify_service.chunk")
_ASK_SECONDS = 60.0
_LOOK_UP_SECONDS = 0.4  # how often a chunk in work asks whether it is still wanted
_AGAIN_SECONDS = 5.0
_AT_ONCE = 10  # households between two turns of the event loop


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


async def work_on(services: Services, job_id: str) -> None:
    """Do what is to be done with a chunk, however long the database is away: a job that ended without that would be lost."""
    while not await _tried(services, ChunkKey.parse(job_id)):  # noqa: ASYNC110 - it is the database that we wait for
        await asyncio.sleep(_AGAIN_SECONDS)


async def _tried(services: Services, key: ChunkKey) -> bool:
    """Say whether the chunk was done, or put back to be due again soon."""
    fence = None
    try:
        work = await services.store.batches.begin(key)
        if work is not None:
            fence = work.fence
            await _watched(services, work, _task(services, work))
    except LostLease:
        _log.info("chunk.lost", batch=key.batch_id, chunk=key.no)
    except Exception as error:  # noqa: BLE001 - one chunk must not stop the worker, and must not be lost
        _log.error("chunk.failed", batch=key.batch_id, chunk=key.no, **without_values(error))
        return await _put_back(services, key, fence)
    return True


async def _put_back(services: Services, key: ChunkKey, fence: int | None) -> bool:
    again = services.clock() + timedelta(seconds=_AGAIN_SECONDS)
    try:
        await services.store.batches.put_back(key, due_at=again, fence=fence)
    except Exception as error:  # noqa: BLE001 - the database is away; nothing to do but try the whole again
        _log.error("chunk.not_put_back", batch=key.batch_id, chunk=key.no, **without_values(error))
        return False
    return True


def _task(services: Services, work: ChunkWork) -> Coroutine[Any, Any, None]:
    match work.task:
        case ChunkTask.VERIFY:
            return verify(services, work)
        case ChunkTask.LOOK:
            return look_at_tickets(services, work)
        case ChunkTask.RETRY:
            return retry_failed(services, work)


async def _watched(services: Services, work: ChunkWork, doing: Coroutine[Any, Any, T]) -> T:
    """Await it, and stop it as soon as the chunk is not wanted any more. Raises LostLease then."""
    task = asyncio.create_task(doing)
    try:
        while not (await asyncio.wait({task}, timeout=_LOOK_UP_SECONDS))[0]:
            if not await services.store.batches.is_wanted(work):
                raise LostLease(work.key.batch_id)
        return task.result()
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def verify(services: Services, work: ChunkWork) -> None:
    """Ask for every household of the chunk at once, and issue all first versions in one transaction."""
    planned, rejections = await _plan(services, work)
    pooled = pool(q for each in planned for group in each.plan.asked.values() for q in group)
    calls = await fan_out(pooled.asked, channels=services.channels, deadline=asyncio.get_running_loop().time() + _ASK_SECONDS, ask=together)
    settle_status(services, calls)
    made = await _make(services, planned, pooled.spread(calls))
    tickets = kept_tickets(calls)
    issue = ChunkIssue(
        work=work,
        now=services.clock(),
        issues=made.issues,
        outcomes=count(made.answers),
        requests=made.requests,
        rejections=rejections,
        exchanges=kept_exchanges(calls),
        tickets=tickets,
        due_at=next_round(services, tickets),
    )
    await services.store.batches.issue(issue)


async def _plan(services: Services, work: ChunkWork) -> tuple[list[Planned], list[Rejection]]:
    """Lay out the questions; a household without a live consent by now is rejected, and nothing is asked about it."""
    planned, rejections, at = [], [], services.clock()
    for i, row in enumerate(work.rows):
        job = chunk_job(work, row, VerificationRequest.model_validate_json(row.request))
        try:
            questions = services.verifier.plan(job.request, tenant=work.tenant, verification_id=row.verification_id, at=at)
            planned.append(Planned(row, job, questions))
        except NoConsent:
            rejections.append(Rejection(row.no, row.line, "", "no_consent"))
        await _breathe(i)
    return await _numbered(services, work, planned), rejections


async def _numbered(services: Services, work: ChunkWork, planned: Sequence[Planned]) -> list[Planned]:
    """Give every household its request number, those of a region at once."""
    day, regions = local_day(work.accepted_at), Counter(each.job.request.region for each in planned)
    numbers = {region: iter(await services.store.numbers.take_many(region, day, many)) for region, many in regions.items()}
    return [replace(each, job=replace(each.job, request_no=next(numbers[each.job.request.region]))) for each in planned]


async def _make(services: Services, planned: Sequence[Planned], answered: Mapping[str, Answer]) -> Made:
    """Merge, compose and sign every household."""
    made = Made()
    for i, each in enumerate(planned):
        answers = [*each.plan.unasked, *(answered[q.id] for group in each.plan.asked.values() for q in group)]
        made.issues.append(issue_of(services.verifier.version(each.job, answers)))
        made.answers += answers
        made.requests[each.row.verification_id] = _new(each)
        await _breathe(i)
    return made


def _new(each: Planned) -> NewVerification:
    numbers = [member.id_number.reveal() for member in each.job.request.household.members]
    return NewVerification(each.row.reference, each.job.request_no, each.row.request, hashlib.sha256(each.row.request).hexdigest(), numbers)


async def _breathe(i: int) -> None:
    """Let the event loop serve others: live requests wait for ten households at most, not for a chunk."""
    if i % _AT_ONCE == 0:
        await asyncio.sleep(0)
