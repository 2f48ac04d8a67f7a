"""Later versions of a chunk's households, set-wise: when tickets are answered, and when what failed is asked again."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from verify_service.bulk.looking import content, look_once
from verify_service.bulk.pooling import change, pool, same, together
from verify_service.bulk.versions import chunk_job, issue_of, kept_exchanges, kept_tickets, next_round, settle_status
from verify_service.domain.outcome import Answer, OutcomeClass, OutcomeCode, Question
from verify_service.domain.request import VerificationRequest
from verify_service.errors import NoConsent
from verify_service.services import Services
from verify_service.sources.adapter import NotYet
from verify_service.storage.batch_records import ChunkIssue, ChunkWork, Known
from verify_service.storage.records import Issue, StoredTicket, TicketClaim, TicketState
from verify_service.verification.amend import amended, asked_again, completed, withdrawal
from verify_service.verification.fanout import Call, HandedInAgain, fan_out
from verify_service.verification.verify import Job, Previous

_ASK_SECONDS = 60.0
_WAITING = frozenset({OutcomeClass.PENDING, OutcomeClass.PARTIAL_ANSWER})
_FAILED = frozenset({OutcomeClass.UNAVAILABLE, OutcomeClass.INVALID, OutcomeClass.STALE})


async def look_at_tickets(services: Services, work: ChunkWork) -> None:
    """Look at every due ticket of the chunk; issue the next version of all households that an answer concerns."""
    known = await services.store.batches.known(work)
    tickets = await services.store.batches.waiting(work)
    due = [ticket for ticket in tickets if ticket.ticket.next_look <= services.clock()]
    looks = [(ticket, await _look(services, work, known, ticket)) for ticket in due]
    calls = [call for _, call in looks if isinstance(call, Call)]
    settle_status(services, [call for call in calls if call.source in services.channels])
    postponed = [_next(ticket, found, found.next_look) for ticket, found in looks if found.next_look is not None]
    closed = {t.ticket.dedupe_key: _closed(found) for t, found in looks if isinstance(found, Call) and found.next_look is None}
    later = [ticket for ticket in tickets if ticket not in due]
    late = _by_question(calls, known)
    issues, outcomes = await _versions(services, work, [(each, _late(each, late)) for each in known])
    issue = ChunkIssue(
        work=work,
        now=services.clock(),
        issues=issues,
        outcomes=outcomes,
        exchanges=kept_exchanges(calls),
        closed=closed,
        postponed=postponed,
        due_at=next_round(services, (*later, *postponed)),
    )
    await services.store.batches.issue(issue)


async def _look(services: Services, work: ChunkWork, known: Sequence[Known], ticket: StoredTicket) -> Call | NotYet:
    """Look at a ticket that many households share; it is handed in again, if need be, only while every consent still lives."""
    pooled = Previous("", 0, [answer for each in known for answer in each.answers])
    claim = TicketClaim(work.tenant, work.key.batch_id, ticket)
    asked = frozenset(ticket.question_ids)

    async def may_ask() -> bool:
        return all(_may_ask(services, work, each, asked) for each in known)

    return await look_once(services, claim, pooled, may_ask)


def _may_ask(services: Services, work: ChunkWork, each: Known, asked: frozenset[str]) -> bool:
    questions = [a.question for a in each.answers if a.question.id in asked]
    return not questions or services.verifier.may_ask(_job(work, each), questions, each.made)


def _job(work: ChunkWork, each: Known) -> Job:
    return chunk_job(work, each.row, VerificationRequest.model_validate_json(each.row.request))


def _next(kept: StoredTicket, found: Call | NotYet, next_look: datetime) -> StoredTicket:
    """Return the ticket as it is looked at next: under the same key; with another reference if it was handed in again."""
    if isinstance(found, HandedInAgain):
        return replace(kept, ticket=found.ticket, file_digest=found.file_digest, submissions=kept.submissions + 1)
    return replace(kept, ticket=replace(kept.ticket, next_look=next_look))


async def retry_failed(services: Services, work: ChunkWork) -> None:
    """Ask again what was unavailable, damaged or too old, and nothing else; only under a consent that is live now."""
    known = await services.store.batches.known(work)
    again = {each.row.verification_id: _questions_again(services, work, each) for each in known}
    pooled = pool(question for questions in again.values() for question in questions)
    deadline = asyncio.get_running_loop().time() + _ASK_SECONDS
    calls = await fan_out(pooled.asked, channels=services.channels, deadline=deadline, ask=together)
    settle_status(services, calls)
    answered = pooled.spread(calls)
    found = {each.row.verification_id: [answered[q.id] for q in again[each.row.verification_id]] for each in known}
    renewed = [(each, asked_again(each.answers, found[each.row.verification_id])) for each in known]
    issues, outcomes = await _versions(services, work, renewed)
    tickets = kept_tickets(calls)
    due_at, exchanges = next_round(services, tickets), kept_exchanges(calls)
    issue = ChunkIssue(work, services.clock(), issues, outcomes, exchanges=exchanges, tickets=tickets, due_at=due_at)
    await services.store.batches.issue(issue)


def _questions_again(services: Services, work: ChunkWork, each: Known) -> list[Question]:
    """Return the questions of a household that failed and may be asked now."""
    failed = {(a.question.member, a.question.source) for a in each.answers if _failed(a)}
    if not failed or withdrawal(each.made) is not None:
        return []
    request = amended(VerificationRequest.model_validate_json(each.row.request), each.made)
    try:
        plan = services.verifier.plan(
            request, tenant=work.tenant, verification_id=each.row.verification_id, at=services.clock(), version=each.version + 1
        )
    except NoConsent:
        return []
    return [q for questions in plan.asked.values() for q in questions if (q.member, q.source) in failed]


def _failed(answer: Answer) -> bool:
    """Say whether asking again may help; so it is too with what was left for another day's quota."""
    code = answer.outcome.code
    return code is OutcomeCode.QUOTA_DEFERRED or code.outcome_class in _FAILED


async def _versions(
    services: Services, work: ChunkWork, renewed: Iterable[tuple[Known, Sequence[Answer]]]
) -> tuple[list[Issue], dict[str, dict[str, int]]]:
    """Return the next version of every household to which anything new came, and how the counts of outcomes change."""
    issues: list[Issue] = []
    before: list[Answer] = []
    after: list[Answer] = []
    for each, answers in renewed:
        if withdrawal(each.made) is not None or all(new is old for new, old in zip(answers, each.answers, strict=True)):
            continue
        previous = Previous(each.report_id, each.version, each.answers, each.made)
        issues.append(issue_of(services.verifier.version(_job(work, each), answers, replaces=previous)))
        before += each.answers
        after += answers
        await asyncio.sleep(0)
    return issues, change(before, after)


def _late(each: Known, late: Mapping[str, Answer]) -> list[Answer]:
    """Return the household's answers with what is new in them; a look that tells the same again is none."""
    new = (late[a.question.id] for a in each.answers if a.question.id in late and content(late[a.question.id]) != content(a))
    return completed(each.answers, new)


def _by_question(calls: Iterable[Call], known: Sequence[Known]) -> dict[str, Answer]:
    """Return the answers for every question that they serve: a person may be in several households of the chunk."""
    found = {same(answer.question): answer for call in calls for answer in call.answers}
    waiting = [a.question for each in known for a in each.answers if a.outcome.code.outcome_class in _WAITING]
    return {q.id: Answer(q, found[same(q)].outcome, found[same(q)].records) for q in waiting if same(q) in found}


def _closed(found: Call) -> TicketState:
    return TicketState.DONE if found.readable else TicketState.EXPIRED
