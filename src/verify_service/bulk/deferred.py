"""A deferred register answers later: look at a due ticket once, and issue the next report version when it has answered.

The ticket's verification is held under a fence while it is looked at; a process that dies in between leaves a lease that
ends, and the next one looks again. The same look twice gives the same answer, and only one of them can be issued.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question
from verify_service.services import Services, read_request
from verify_service.sources.adapter import NotYet
from verify_service.sources.failures import SourceFailure
from verify_service.storage.records import TicketClaim, TicketState, VerificationRow
from verify_service.verification.fanout import Call, look
from verify_service.verification.verify import Job, Previous

_log = structlog.get_logger("verify_service.deferred")
_FALLBACK_SECONDS = 60.0


async def look_at(services: Services, claim: TicketClaim) -> None:
    """Look once. Issues version n+1, or puts the next look off; past the latest date the cell is closed as a timeout."""
    row = await services.store.verification(tenant=claim.tenant, verification_id=claim.verification_id)
    previous = await _previous(services, row)
    questions = _questions(claim, previous)
    found = await _look(services, claim, questions)
    if isinstance(found, NotYet):
        await services.store.postpone(claim, next_look=found.next_look)
        return
    state = TicketState.DONE if found.readable else TicketState.EXPIRED
    verified = services.verifier.renew(_job(row, claim), found, previous)
    await services.issue(verified, closed={claim.ticket.ticket.dedupe_key: state})
    _log.info("deferred.issued", source=claim.ticket.source, verification=claim.verification_id, state=state.value)


async def _previous(services: Services, row: VerificationRow) -> Previous:
    """Return the current report version and the answers it was made from."""
    if row.current_report_id is None:
        raise ValueError("a ticket without a report")
    versions = await services.store.versions(tenant=row.tenant, report_id=row.current_report_id)
    answers = await services.store.answers(tenant=row.tenant, verification_id=row.id)
    made = await services.store.amendments(tenant=row.tenant, verification_id=row.id)
    return Previous(row.current_report_id, versions[-1].version, answers, made)


def _questions(claim: TicketClaim, previous: Previous) -> list[Question]:
    """Return the ticket's questions in the order in which they were handed in."""
    known = {a.question.id: a.question for a in previous.answers}
    return [known[question_id] for question_id in claim.ticket.question_ids]


def _job(row: VerificationRow, claim: TicketClaim) -> Job:
    return Job(row.tenant, row.client_id, row.id, read_request(row.request), claim.fence, row.created_at)


async def _look(services: Services, claim: TicketClaim, questions: list[Question]) -> Call | NotYet:
    """Look at the register. A look that fails is put off like one that finds nothing yet, until the latest date."""
    now = services.clock()
    channel = services.channels.get(claim.ticket.source)
    if channel is not None:
        deadline = asyncio.get_running_loop().time() + services.limits.default_deadline_ms / 1000
        try:
            found = await look(channel, claim.ticket.ticket, questions, deadline=deadline)
        except SourceFailure as failure:
            _log.warning("deferred.look_failed", source=claim.ticket.source, code=failure.code.value, detail=failure.detail)
            found = NotYet(now + timedelta(seconds=_pause(services, claim)))
    else:
        found = NotYet(now + timedelta(seconds=_FALLBACK_SECONDS))
    return _given_up(claim, questions, now) if isinstance(found, NotYet) and now >= claim.ticket.ticket.latest else found


def _pause(services: Services, claim: TicketClaim) -> float:
    deferred = services.channels[claim.ticket.source].source.deferred
    return deferred.look_every_seconds if deferred is not None else _FALLBACK_SECONDS


def _given_up(claim: TicketClaim, questions: list[Question], now: datetime) -> Call:
    """Close the cells as a timeout of the source: 未反馈, never 无."""
    outcome = Outcome(OutcomeCode.TIMEOUT, failed_by="source", detail="no answer until the latest date", answered_at=now)
    return Call(claim.ticket.source, questions, [Answer(q, outcome) for q in questions])
