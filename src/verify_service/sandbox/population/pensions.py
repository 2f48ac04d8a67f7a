"""Benefits being drawn: pensions of the old (residents mostly), and some survivor, unemployment and injury benefits."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from verify_service.sandbox.population.stream import DigestStream, spread
from verify_service.sandbox.population.subject import Subject, month_back, yuan
from verify_service.sandbox.population.truth import BenefitSplit, PensionBenefit
from verify_service.sandbox.population.words import BANKS
from verify_service.sandbox.population.work import standing_of

_Type = Literal["employee_pension", "civil_service_pension", "resident_pension", "survivor", "unemployment", "injury"]
_State = Literal["normal", "paused", "ended"]

_PENSIONS: tuple[_Type | None, ...] = spread((21, "employee_pension"), (2, "civil_service_pension"), (67, "resident_pension"), (10, None))
_PAYMENTS: tuple[_State, ...] = spread((940, "normal"), (50, "paused"), (10, "ended"))
_RESIDENT_BASIC_YUAN = 163
_PER_TEN_THOUSAND_CHILDREN = 60
_PER_TEN_THOUSAND_WORKERS = 110


@dataclass(frozen=True, slots=True)
class _Grant:
    """What is paid and since when; `retired` only for one who had a job."""

    benefit_type: _Type
    started: date
    retired: date | None
    split: BenefitSplit


def benefits_of(subject: Subject) -> tuple[PensionBenefit, ...]:
    """Return the person's benefits; a resident pension starts at 60, an employee's at 60 or, for women, 55."""
    stream = subject.stream("benefit")
    grant = _grant(subject, stream)
    return (_benefit(subject, stream, grant),) if grant else ()


def _grant(subject: Subject, stream: DigestStream) -> _Grant | None:
    if subject.age >= 60 or (subject.age >= 55 and subject.sex == "female"):
        return _pension(subject, stream)
    if subject.age < 18:
        children = stream.happens(_PER_TEN_THOUSAND_CHILDREN) and subject.age >= 1
        return _small(subject, stream, "survivor", stream.between(400, 900)) if children else None
    if standing_of(subject) in {"flexible", "none"} and stream.happens(_PER_TEN_THOUSAND_WORKERS):
        kind: _Type = "unemployment" if stream.happens(75, 100) else "injury"
        return _small(subject, stream, kind, stream.between(1_100, 1_700))
    return None


def _small(subject: Subject, stream: DigestStream, kind: _Type, amount_yuan: int) -> _Grant:
    """Return a benefit of one part, granted within the year."""
    return _Grant(kind, stream.day_before(subject.as_of, 40, 360), None, BenefitSplit(yuan(amount_yuan), 0, 0, 0, 0))


def _pension(subject: Subject, stream: DigestStream) -> _Grant | None:
    """Return a pension since the birthday it begins on; the residents' scheme pays since 2010."""
    kind = stream.pick(_PENSIONS)
    begins = 55 if kind != "resident_pension" and subject.sex == "female" else 60
    if kind is None or subject.age < begins:
        return None
    retired = date(subject.birth.year + begins, subject.birth.month, min(subject.birth.day, 28))
    if kind == "resident_pension":
        return _Grant(kind, max(retired, date(2010, 1, 1)), None, _resident_split(stream))
    return _Grant(kind, retired, retired, _employee_split(stream))


def _resident_split(stream: DigestStream) -> BenefitSplit:
    """Return the basic part, which is exempt income (M19), and the person's own small account."""
    increase = yuan(stream.pick((0, 0, 0, 5, 10)))
    return BenefitSplit(yuan(_RESIDENT_BASIC_YUAN), stream.between(1_000, 19_000), 0, increase, yuan(stream.pick((0, 0, 0, 20))))


def _employee_split(stream: DigestStream) -> BenefitSplit:
    return BenefitSplit(
        stream.between(90_000, 180_000),
        stream.between(20_000, 90_000),
        stream.pick((0, 0, stream.between(5_000, 30_000))),
        stream.between(2_000, 9_000),
        0,
    )


def _benefit(subject: Subject, stream: DigestStream, grant: _Grant) -> PensionBenefit:
    """Return a benefit in its payment state. Paused: the yearly alive check was missed. Ended: stopped at death."""
    parts, as_of = grant.split, subject.as_of
    monthly = parts.basic_fen + parts.personal_account_fen + parts.transitional_fen + parts.increase_fen + parts.subsidy_fen
    state = stream.pick(_PAYMENTS)
    checked = max(grant.started, stream.day_before(as_of, 370, 500) if state == "paused" else stream.day_before(as_of, 5, 360))
    stopped = max(grant.started, stream.day_before(as_of, 5, 300)) if state == "ended" else None
    first = month_back(grant.started, 0)
    last = max(first, month_back(stopped or as_of, stream.between(2, 4) if state == "paused" else 1))
    return PensionBenefit(
        status="historic" if stopped else "current",
        benefit_type=grant.benefit_type,
        retired=grant.retired,
        first_paid_month=first,
        monthly_fen=monthly,
        split=parts,
        payment_state=state,
        pause_reason="未按期完成资格认证" if state == "paused" else None,
        last_paid_month=last,
        paid_this_year_fen=monthly * _months_this_year(first, last, as_of),
        bank=stream.pick(BANKS),
        last_alive_check=checked,
        death_stop=stopped,
        region=subject.region,
        back_pay_fen=monthly * stream.between(2, 9) if stream.happens(2, 100) else 0,
    )


def _months_this_year(first: str, last: str, as_of: date) -> int:
    """Return in how many months of the year of a day the benefit was paid."""
    january = f"{as_of.year}-01"
    return int(last[5:]) - int(max(first, january)[5:]) + 1 if last >= january else 0
