"""What was asked before need not be asked again: the same person, day, purpose and requester, in another chunk or batch.

An answer serves again when it is a fact or says that the register does not know the person, and was given today to the
same client under the same terms. The new question has a live ground of its own; its answer keeps the times and digests
of the call that brought it, whose evidence stays where it is. What another chunk asks at this moment is waited for.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, time, timedelta

from verify_service.bulk.pooling import Pool, same
from verify_service.domain.outcome import Answer, OutcomeClass
from verify_service.domain.request import VerificationRequest
from verify_service.services import Services
from verify_service.storage.batch_records import ChunkWork, Wait
from verify_service.verification.fanout import Call
from verify_service.verification.plan import CHINA, local_day

_OTHERS_TURN = timedelta(seconds=2)


async def others_turn(services: Services, work: ChunkWork, requests: Iterable[VerificationRequest]) -> Wait | None:
    """Claim a chunk's people, or return the wait for another one that asks about some of them; none beyond the deadline."""
    people = {(member.id_number.reveal(), request.purpose.value) for request in requests for member in request.household.members}
    if await services.store.batches.claim(work, people):
        return None
    at = services.clock() + _OTHERS_TURN
    is_late = work.deadline_at is not None and at >= work.deadline_at - _OTHERS_TURN
    return None if is_late else Wait(work.task, at, "others ask about the same people")


async def told_today(services: Services, work: ChunkWork, requests: Iterable[VerificationRequest], pooled: Pool) -> dict[str, Call]:
    """Return the answers that serve again, each as a call without exchanges, by the id of the question that it answers."""
    since = datetime.combine(local_day(services.clock()), time(0), CHINA)
    numbers = {member.id_number.reveal() for request in requests for member in request.household.members}
    given = await services.store.batches.told(work, numbers, since=since)
    if not given:
        return {}
    serving = {same(answer.question): answer for answer in given if _serves(answer, since)}
    return _by_question(pooled, serving)


def _by_question(pooled: Pool, serving: Mapping[object, Answer]) -> dict[str, Call]:
    asked = [question for questions in pooled.asked.values() for question in questions]
    found = [(question, serving.get(same(question))) for question in asked]
    return {q.id: Call(q.source, [q], [Answer(q, a.outcome, a.records)]) for q, a in found if a is not None}


def _serves(answer: Answer, since: datetime) -> bool:
    outcome = answer.outcome
    is_told = outcome.code.is_fact or outcome.code.outcome_class is OutcomeClass.IDENTITY
    return is_told and outcome.asked_at is not None and outcome.asked_at >= since
