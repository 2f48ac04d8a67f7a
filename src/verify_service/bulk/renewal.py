"""Later versions of a chunk's households, set-wise: when tickets are answered, and when what failed is asked again."""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain

from verify_service.bulk.looking import content
from verify_service.bulk.pacing import following, is_held_back
from verify_service.bulk.pooling import change, pool, same, together
from verify_service.bulk.tickets import as_next, closed_as, look
from verify_service.bulk.versions import chunk_job, concluded_on, issue_of, kept_exchanges, kept_tickets, settle_status
from verify_service.domain.outcome import Answer, OutcomeClass, OutcomeCode, Question
from verify_service.domain.request import VerificationRequest
from verify_service.errors import NoConsent
from verify_service.services import Services
from verify_service.sources.adapter import NotYet
from verify_service.storage.batch_records import ChunkIssue, ChunkWork, Known, Wait
from verify_service.storage.records import Issue, StoredTicket
from verify_service.verification.amend import amended, asked_again, completed, withdrawal
from verify_service.verification.fanout import Call, fan_out
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
    postponed = [as_next(ticket, found, found.next_look) for ticket, found in looks if found.next_look is not None]
    late = _by_question(calls, known)
    renewed = [(each, _late(each, late)) for each in known]
    issue = ChunkIssue(
        work,
        services.clock(),
        *await _versions(services, work, renewed),
        exchanges=kept_exchanges(calls),
        closed={t.ticket.dedupe_key: closed_as(found) for t, found in looks if isinstance(found, Call) and found.next_look is None},
        postponed=postponed,
        wait=_following(services, work, renewed, [*(ticket for ticket in tickets if ticket not in due), *postponed]),
    )
    await services.store.batches.issue(issue)


async def _look(services: Services, work: ChunkWork, known: Sequence[Known], ticket: StoredTicket) -> Call | NotYet:
    asked = frozenset(ticket.question_ids)

    async def may_ask() -> bool:
        return all(_may_ask(services, work, each, asked) for each in known)

    return await look(services, work, ticket, [answer for each in known for answer in each.answers], may_ask)


def _following(
    services: Services, work: ChunkWork, renewed: Iterable[tuple[Known, Sequence[Answer]]], tickets: Sequence[StoredTicket]
) -> Wait | None:
    return following(services, work, work.begun_at or work.accepted_at, chain.from_iterable(answers for _, answers in renewed), tickets)


def _may_ask(services: Services, work: ChunkWork, each: Known, asked: frozenset[str]) -> bool:
    questions = [a.question for a in each.answers if a.question.id in asked]
    return not questions or services.verifier.may_ask(_job(work, each), questions, each.made)


def _job(work: ChunkWork, each: Known) -> Job:
    return chunk_job(work, each.row, VerificationRequest.model_validate_json(each.row.request))


async def retry_failed(services: Services, work: ChunkWork) -> None:
    """Ask again what was unavailable, damaged or too old, and nothing else."""
    await _ask_again(services, work, _failed)


async def ask_held_back(services: Services, work: ChunkWork) -> None:
    """Ask what quotas, hours and failures held back, and nothing else; what is held back once more makes no version."""
    await _ask_again(services, work, is_held_back, lambda answer: not is_held_back(answer))


async def _ask_again(
    services: Services, work: ChunkWork, again: Callable[[Answer], bool], is_new: Callable[[Answer], bool] = lambda _: True
) -> None:
    """Ask some questions again as far as a consent is live now; issue the next version of the households with new answers."""
    known = await services.store.batches.known(work)
    asked = {each.row.verification_id: _questions_again(services, work, each, again) for each in known}
    pooled = pool(question for questions in asked.values() for question in questions)
    deadline = asyncio.get_running_loop().time() + _ASK_SECONDS
    calls = await fan_out(pooled.asked, channels=services.channels, deadline=deadline, ask=together)
    settle_status(services, calls)
    answered = pooled.spread(calls)
    found = {each.row.verification_id: [answered[q.id] for q in asked[each.row.verification_id]] for each in known}
    told = [(each, asked_again(each.answers, found[each.row.verification_id])) for each in known]
    renewed = [(each, asked_again(each.answers, filter(is_new, found[each.row.verification_id]))) for each in known]
    tickets = kept_tickets(calls)
    waiting = await services.store.batches.waiting(work)
    issue = ChunkIssue(
        work,
        services.clock(),
        *await _versions(services, work, renewed),
        exchanges=kept_exchanges(calls),
        tickets=tickets,
        wait=_following(services, work, told, [*waiting, *tickets]),
    )
    await services.store.batches.issue(issue)


def _questions_again(services: Services, work: ChunkWork, each: Known, again: Callable[[Answer], bool]) -> list[Question]:
    """Return the questions of a household that are to be asked again and may be asked now."""
    failed = {(a.question.member, a.question.source) for a in each.answers if again(a)}
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
        concluded = await concluded_on(services, tenant=work.tenant, report_id=each.report_id, made=each.made)
        previous = Previous(each.report_id, each.version, each.answers, each.made, concluded_on=concluded)
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
