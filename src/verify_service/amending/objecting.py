"""异议: ask the disputed cells again, and only these, under the consents that are live at this moment."""

import asyncio
from collections.abc import Iterator, Mapping
from datetime import date

from verify_service.amending.holding import Held, hold_report
from verify_service.domain.amendment import AskedAgain, Objection, ObjectionRequest
from verify_service.domain.outcome import Answer, OutcomeClass, OutcomeCode
from verify_service.errors import InvalidInput, NoConsent, Violation, WrongState
from verify_service.services import Finished, Services
from verify_service.storage.records import Client, Key
from verify_service.verification.amend import asked_again
from verify_service.verification.evidence import NOT_IN_PLAN
from verify_service.verification.fanout import Call, fan_out
from verify_service.verification.plan import local_day

Cell = tuple[str, str]
# The register said something, or will: its new word replaces the former one. Anything else leaves the former answer standing.
_HEARD = frozenset({OutcomeClass.ANSWERED, OutcomeClass.IDENTITY, OutcomeClass.STALE, OutcomeClass.PARTIAL_ANSWER, OutcomeClass.PENDING})


async def object_to(services: Services, client: Client, report_id: str, asked: ObjectionRequest, *, key: Key | None) -> Finished:
    """Ask the disputed cells again and issue the version that says what came of it.

    Raises InvalidInput with pointers, NoConsent (no disputed cell may be asked), NotPermitted, NotFound, Superseded,
    WrongState (withdrawn, or the window has passed), LostLease.
    """
    async with hold_report(services, client, report_id) as held:
        services.permit(client, held.request)
        _check_window(held)
        former = {(a.question.member, a.question.source): a for a in held.previous.answers}
        if broken := list(_broken(held, asked, former)):
            raise InvalidInput(broken)
        wanted = {(cell.member, cell.source) for cell in asked.cells}
        again, calls = await _ask(held, wanted)
        heard = {cell: a for cell, a in again.items() if a.outcome.code.outcome_class in _HEARD}
        objection = Objection(officer=asked.officer, objector=asked.objector, cells=tuple(_ended(asked, former, again)))
        return await held.issue(objection, answers=asked_again(held.previous.answers, heard.values()), calls=calls, key=key)


def _check_window(held: Held) -> None:
    until = date.fromisoformat(held.report["header"]["objection_until"])
    if local_day(held.now) > until:
        raise WrongState("objection_window", "within the objection window that the report names")


def _broken(held: Held, asked: ObjectionRequest, former: Mapping[Cell, Answer]) -> Iterator[Violation]:
    if asked.objector is not None and asked.objector not in {m.ref for m in held.request.household.members}:
        yield Violation("/objector", "known_member", "a member's ref")
    seen: set[Cell] = set()
    for i, disputed in enumerate(asked.cells):
        cell = (disputed.member, disputed.source)
        answer = former.get(cell)
        if answer is None or answer.outcome.code in NOT_IN_PLAN:
            yield Violation(f"/cells/{i}", "asked_cell", "a member and source that the report covers")
        elif answer.outcome.next_look is not None:
            yield Violation(f"/cells/{i}", "answered_cell", "a cell whose answer is not waited for")
        if cell in seen:
            yield Violation(f"/cells/{i}", "unique_cell", "given once only")
        seen.add(cell)


async def _ask(held: Held, wanted: set[Cell]) -> tuple[dict[Cell, Answer], list[Call]]:
    """Ask the wanted cells that may be asked now; return the answer of each, and the calls that were made."""
    services, job = held.services, held.job
    version = held.previous.version + 1
    whole = services.verifier.plan(held.request, tenant=job.tenant, verification_id=job.verification_id, at=held.now, version=version)
    planned = whole.only(wanted)
    if not planned.asked and all(a.outcome.code is OutcomeCode.NO_CONSENT for a in planned.unasked):
        raise NoConsent
    deadline = asyncio.get_running_loop().time() + (services.limits.default_deadline_ms - services.limits.reserve_ms) / 1000
    calls = await fan_out(planned.asked, channels=services.channels, deadline=deadline)
    answers = [*planned.unasked, *(a for call in calls for a in call.answers)]
    return {(a.question.member, a.question.source): a for a in answers}, calls


def _ended(asked: ObjectionRequest, former: Mapping[Cell, Answer], again: Mapping[Cell, Answer]) -> Iterator[AskedAgain]:
    for disputed in asked.cells:
        cell = (disputed.member, disputed.source)
        before, after = former[cell].outcome.code, again[cell].outcome.code
        yield AskedAgain(**dict(disputed), before=before.value, after=after.value, replaced=after.outcome_class in _HEARD)
