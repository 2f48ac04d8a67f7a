"""A deferred register answers later: look at a due ticket once, and issue the next report version when it has answered.

The ticket's verification is held under a fence while it is looked at; a process that dies in between leaves a lease that
ends, and the next one looks again. The same look twice gives the same answer, and only one of them can be issued.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import structlog

from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question
from verify_service.services import Services, read_request
from verify_service.sources.adapter import NotYet
from verify_service.sources.failures import SourceFailure
from verify_service.storage.records import TicketClaim, TicketState, VerificationRow
from verify_service.verification.fanout import Call, HandedInAgain, look
from verify_service.verification.verify import Job, Previous, Verified

_log = structlog.get_logger("verify_service.deferred")
_FALLBACK_SECONDS = 60.0
_TOLD = frozenset({OutcomeCode.PARTIAL, OutcomeCode.RECORDS, OutcomeCode.NO_RECORD, OutcomeCode.STALE})


async def look_at(services: Services, claim: TicketClaim) -> None:
    """Look once. Issues version n+1, or puts the next look off; past the latest date the cell is closed as a timeout."""
    row = await services.store.verification(tenant=claim.tenant, verification_id=claim.verification_id)
    previous = await _previous(services, row)
    may_ask = partial(services.verifier.may_ask, _job(row, claim), questions_of(claim, previous), previous.made)
    found = await look_once(services, claim, previous, may_ask)
    if isinstance(found, HandedInAgain):
        await services.store.hand_in_again(claim, ticket=found.ticket, file_digest=found.file_digest, now=services.clock())
        _log.warning("deferred.handed_in_again", source=claim.ticket.source, verification=claim.verification_id)
        return
    if found.next_look is not None and (isinstance(found, NotYet) or not _brings_more(found, previous)):
        await services.store.postpone(claim, next_look=found.next_look)
        return
    await _issue(services, claim, services.verifier.renew(_job(row, claim), found, previous), found)


async def _issue(services: Services, claim: TicketClaim, verified: Verified, found: Call) -> None:
    """Issue the version; the ticket waits on when institutions still owe their answer."""
    key = claim.ticket.ticket.dedupe_key
    if found.next_look is not None:
        state = TicketState.WAITING
        await services.issue(verified, next_looks={key: found.next_look})
    else:
        state = TicketState.DONE if found.readable else TicketState.EXPIRED
        await services.issue(verified, closed={key: state})
    _log.info("deferred.issued", source=claim.ticket.source, verification=claim.verification_id, state=state.value)


def _brings_more(found: Call, previous: Previous) -> bool:
    """Say whether anything is new since the version before; digests and times of a repeated look are not."""
    known = {a.question.id: a for a in previous.answers}
    return any(content(a) != content(known[a.question.id]) for a in found.answers)


def content(answer: Answer) -> tuple[object, ...]:
    """Return what an answer says, without when and how it was told."""
    return answer.outcome.code, answer.outcome.institutions, frozenset(answer.records)


async def _previous(services: Services, row: VerificationRow) -> Previous:
    """Return the current report version and the answers it was made from."""
    if row.current_report_id is None:
        raise ValueError("a ticket without a report")
    versions = await services.store.versions(tenant=row.tenant, report_id=row.current_report_id)
    answers = await services.store.answers(tenant=row.tenant, verification_id=row.id)
    made = await services.store.amendments(tenant=row.tenant, verification_id=row.id)
    return Previous(row.current_report_id, versions[-1].version, answers, made)


def questions_of(claim: TicketClaim, previous: Previous) -> list[Question]:
    """Return the ticket's questions in the order in which they were handed in."""
    known = {a.question.id: a.question for a in previous.answers}
    return [known[question_id] for question_id in claim.ticket.question_ids]


def _job(row: VerificationRow, claim: TicketClaim) -> Job:
    return Job(row.tenant, row.client_id, row.id, read_request(row.request), claim.fence, row.created_at)


async def look_once(services: Services, claim: TicketClaim, previous: Previous, may_ask: Callable[[], bool]) -> Call | NotYet:
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
