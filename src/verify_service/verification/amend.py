"""What amendments do to a report: to the declared facts, to consents, to findings, to its state. Pure, in the order they were made."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from verify_service.domain.amendment import (
    Correction,
    Declaration,
    GapClosure,
    Made,
    Objection,
    Resolution,
    Revocation,
    Withdrawal,
)
from verify_service.domain.household import Household
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode
from verify_service.domain.request import VerificationRequest

_ENDED = frozenset({OutcomeCode.CANCELLED, OutcomeCode.NO_CONSENT})


def amended(request: VerificationRequest, amendments: Iterable[Made]) -> VerificationRequest:
    """Return the request as it holds after these amendments: corrected declarations, revoked consents."""
    for made in amendments:
        match made.amendment:
            case Correction(declared=declared):
                request = request.model_copy(update={"household": _corrected(request.household, declared)})
            case Revocation(consents=numbers):
                consents = [c.model_copy(update={"revoked_at": made.at}) if c.number in numbers else c for c in request.consents]
                request = request.model_copy(update={"consents": tuple(consents)})
    return request


def _corrected(household: Household, declared: Declaration) -> Household:
    incomes = {d.member: d.income for d in declared.incomes}
    members = [m.model_copy(update={"declared_income": incomes[m.ref]}) if m.ref in incomes else m for m in household.members]
    changes = {"declared_assets": declared.assets, "declared_expenditure": declared.expenditure}
    return household.model_copy(update={"members": tuple(members), **{name: new for name, new in changes.items() if new is not None}})


def resolutions(amendments: Iterable[Made]) -> dict[str, tuple[Made, Resolution]]:
    """Return the last resolution of every finding that has one, by the finding's id."""
    return {made.amendment.finding: (made, made.amendment) for made in amendments if isinstance(made.amendment, Resolution)}


def closure(amendments: Sequence[Made], gaps: Iterable[str]) -> tuple[Made, GapClosure] | None:
    """Return the last closing of gaps, if it covers every gap there is now: one that opened later is not closed by it."""
    open_now = set(gaps)
    for made in reversed(amendments):
        if isinstance(made.amendment, GapClosure):
            return (made, made.amendment) if open_now <= set(made.amendment.gaps) else None
    return None


def withdrawal(amendments: Iterable[Made]) -> tuple[Made, Withdrawal] | None:
    """Return the withdrawal of the report, if it was withdrawn."""
    return next(((made, made.amendment) for made in amendments if isinstance(made.amendment, Withdrawal)), None)


def objected(amendments: Iterable[Made]) -> frozenset[str]:
    """Return the cells (`member:source`) that objections had asked again."""
    objections = (made.amendment for made in amendments if isinstance(made.amendment, Objection))
    return frozenset(f"{cell.member}:{cell.source}" for objection in objections for cell in objection.cells)


def completed(answers: Sequence[Answer], late: Iterable[Answer]) -> list[Answer]:
    """Put late answers in their places; a question that was cancelled or lost its consent takes none."""
    by_id = {a.question.id: a for a in late}
    return [a if _is_over(a.outcome) else by_id.get(a.question.id, a) for a in answers]


def _is_over(outcome: Outcome) -> bool:
    """Say whether an officer ended the waiting; a partial answer that nobody waits for stays a lower bound."""
    return outcome.code in _ENDED or (outcome.code is OutcomeCode.PARTIAL and outcome.next_look is None)


def asked_again(answers: Sequence[Answer], again: Iterable[Answer]) -> list[Answer]:
    """Put answers to questions that were asked again in the place of the former ones, cell by cell."""
    by_cell = {(a.question.member, a.question.source): a for a in again}
    return [by_cell.get((a.question.member, a.question.source), a) for a in answers]


def ended(answer: Answer, code: OutcomeCode, detail: str) -> Answer:
    """Return the answer of a question that is not waited for any more; what some institutions told stays a lower bound."""
    asked = answer.outcome
    if asked.code is OutcomeCode.PARTIAL:
        return replace(answer, outcome=replace(asked, next_look=None, latest=None))
    return Answer(answer.question, Outcome(code, detail=detail, attempts=asked.attempts, asked_at=asked.asked_at))
