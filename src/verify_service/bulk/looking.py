"""Look at one ticket of a deferred register: what it tells, or when to look again; past its latest date nothing is waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question
from verify_service.services import Services
from verify_service.sources.adapter import NotYet
from verify_service.sources.failures import SourceFailure
from verify_service.storage.records import TicketClaim
from verify_service.verification.fanout import Call, look
from verify_service.verification.verify import Previous

_log = structlog.get_logger("verify_service.deferred")
_FALLBACK_SECONDS = 60.0
_TOLD = frozenset({OutcomeCode.PARTIAL, OutcomeCode.RECORDS, OutcomeCode.NO_RECORD, OutcomeCode.STALE})


async def look_once(services: Services, claim: TicketClaim, previous: Previous, may_ask: Callable[[], Awaitable[bool]]) -> Call | NotYet:
    """Look at the register. A look that fails is put off like one that finds nothing yet, until the latest date.

    A ticket that was forgotten and may not be handed in again, since a consent has ended, is closed as refused.
    """
    now, questions = services.clock(), questions_of(claim, previous)
    channel = services.channels.get(claim.ticket.source)
    if channel is not None:
        deadline = asyncio.get_running_loop().time() + services.limits.default_deadline_ms / 1000
        try:
            found = await look(channel, claim.ticket.ticket, questions, deadline=deadline, may_ask=may_ask)
        except SourceFailure as failure:
            if failure.code is OutcomeCode.NO_CONSENT:
                return _closed(claim, previous, Outcome(failure.code, failed_by="us", detail=failure.detail, answered_at=now))
            _log.warning("deferred.look_failed", source=claim.ticket.source, code=failure.code.value, detail=failure.detail)
            found = NotYet(now + timedelta(seconds=_pause(services, claim)))
    else:
        found = NotYet(now + timedelta(seconds=_FALLBACK_SECONDS))
    return found if found.next_look is None or now < claim.ticket.ticket.latest else _given_up(claim, found, previous, now)


def _pause(services: Services, claim: TicketClaim) -> float:
    deferred = services.channels[claim.ticket.source].source.deferred
    return deferred.look_every_seconds if deferred is not None else _FALLBACK_SECONDS


def _given_up(claim: TicketClaim, found: Call | NotYet, previous: Previous, now: datetime) -> Call:
    """Stop waiting. What some institutions told stays a lower bound; the rest is a timeout of the source: 未反馈, never 无."""
    if isinstance(found, Call):
        return replace(found, answers=[_no_longer_waiting(a) for a in found.answers], next_look=None)
    return _closed(
        claim, previous, Outcome(OutcomeCode.TIMEOUT, failed_by="source", detail="no answer until the latest date", answered_at=now)
    )


def _closed(claim: TicketClaim, previous: Previous, outcome: Outcome) -> Call:
    """Give the ticket's open cells this outcome; what was told before stands."""
    known = {a.question.id: a for a in previous.answers}
    told = [known[question_id] for question_id in claim.ticket.question_ids]
    answers = [_no_longer_waiting(a) if a.outcome.code in _TOLD else Answer(a.question, outcome) for a in told]
    return Call(claim.ticket.source, [a.question for a in told], answers)


def _no_longer_waiting(answer: Answer) -> Answer:
    return replace(answer, outcome=replace(answer.outcome, next_look=None, latest=None))


def questions_of(claim: TicketClaim, previous: Previous) -> list[Question]:
    """Return the ticket's questions in the order in which they were handed in."""
    known = {a.question.id: a.question for a in previous.answers}
    return [known[question_id] for question_id in claim.ticket.question_ids]


def content(answer: Answer) -> tuple[object, ...]:
    """Return what an answer says, without when and how it was told."""
    return answer.outcome.code, answer.outcome.institutions, frozenset(answer.records)
