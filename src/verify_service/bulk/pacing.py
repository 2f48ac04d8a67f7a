"""Why a chunk waits, and until when: registers set the pace of a batch by their hours, quotas and tickets.

What a register's hours or quota held back is asked again by itself when they allow it. What was unavailable is asked again
as long as the batch has patience, after pauses that double; after that it is for the caller to retry.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from verify_service.bulk.versions import next_round
from verify_service.domain.outcome import Answer, OutcomeClass, OutcomeCode
from verify_service.services import Services
from verify_service.storage.batch_records import ChunkTask, ChunkWork, Wait
from verify_service.storage.records import StoredTicket

_PACED = {
    OutcomeCode.QUOTA_DEFERRED: "the quota of",
    OutcomeCode.MAINTENANCE: "the hours of",
}
_SOON = timedelta(seconds=5)


def patient_until(services: Services, work: ChunkWork, begun_at: datetime) -> datetime:
    """Return until when a chunk waits for what may never come."""
    until = begun_at + timedelta(seconds=services.limits.batch_patience_seconds)
    return until if work.deadline_at is None else min(until, work.deadline_at - _SOON)


def awaited(services: Services) -> frozenset[str]:
    """Return the deferred sources that may well answer before the patience ends."""
    deferred = {name: channel.source.deferred for name, channel in services.channels.items()}
    patience = services.limits.batch_patience_seconds
    return frozenset(name for name, how in deferred.items() if how is not None and how.first_look_seconds < patience)


def closed(services: Services, work: ChunkWork, sources: Iterable[str]) -> Wait | None:
    """Return the wait for the register that opens last, if any is closed or has no calls left today; none beyond the deadline."""
    now, opening = services.clock(), None
    for source in sources:
        refused = services.channels[source].runtime.policy.long_refusal("bulk")
        if refused is None or refused.retry_after_seconds is None:
            continue
        at = now + timedelta(seconds=refused.retry_after_seconds)
        if (opening is None or at > opening.due_at) and (work.deadline_at is None or at < work.deadline_at - _SOON):
            opening = Wait(work.task, at, f"{_PACED[refused.code]} {source}")
    return opening


def tickets_wait(services: Services, task: ChunkTask, tickets: Sequence[StoredTicket]) -> Wait | None:
    """Return the wait for the next round of looks at tickets."""
    at = next_round(services, tickets)
    if at is None:
        return None
    first = min(tickets, key=lambda kept: kept.ticket.next_look)
    return Wait(task, at, f"{first.source} answers later")


def following(
    services: Services, work: ChunkWork, begun_at: datetime, answers: Iterable[Answer], tickets: Sequence[StoredTicket]
) -> Wait | None:
    """Return what a chunk does after an issue: ask what was held back or look at open tickets, whichever is due first."""
    now = services.clock()
    waits = [_again(answer, now, begun_at) for answer in answers if is_held_back(answer)]
    until = patient_until(services, work, begun_at)
    borne = [wait for wait, is_paced in waits if is_paced or wait.due_at < until]
    look = tickets_wait(services, ChunkTask.LOOK, tickets)
    return min([*borne, *([] if look is None else [look])], key=lambda wait: wait.due_at, default=None)


def _again(answer: Answer, now: datetime, begun_at: datetime) -> tuple[Wait, bool]:
    """Return the wait for one answer, and whether the register paces it."""
    outcome, source = answer.outcome, answer.question.source
    paced = _PACED.get(outcome.code) if outcome.next_look is not None else None
    if paced is None:
        return Wait(ChunkTask.GO_ON, now + max(_SOON, now - begun_at), f"{source} is unavailable"), False
    return Wait(ChunkTask.GO_ON, max(outcome.next_look or now, now + _SOON), f"{paced} {source}"), True


def is_held_back(answer: Answer) -> bool:
    """Say whether asking later may help by itself."""
    code = answer.outcome.code
    return code is OutcomeCode.QUOTA_DEFERRED or (code.outcome_class is OutcomeClass.UNAVAILABLE and code is not OutcomeCode.NOT_CONNECTED)
