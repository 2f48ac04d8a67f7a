"""Jobs, and the social insurance that people of working age pay: employees, the flexible who pay for themselves, residents.

Nobody contributes as an employee and draws an employee pension: employment ends at 60 for men and 55 for women.
"""

from dataclasses import replace
from datetime import date
from typing import Literal, NamedTuple

from verify_service.sandbox.population.identifiers import build_uscc
from verify_service.sandbox.population.regions import region_name
from verify_service.sandbox.population.stream import DigestStream, spread
from verify_service.sandbox.population.subject import Subject, at_rate, month_back, yuan
from verify_service.sandbox.population.truth import Employment, SocialContribution
from verify_service.sandbox.population.words import BRANDS

_EMPLOYERS_PER_REGION = 400
_FLOOR_YUAN = 4_494
_STANDINGS = spread((38, "employee"), (15, "flexible"), (35, "resident"), (12, "none"))
_TRADES = ("食品", "物流", "家政服务", "建筑劳务", "制衣", "电子", "餐饮管理", "园林绿化")
_RESIDENT_PENSION_YUAN = (200, 300, 500, 1_000, 2_000)
_RESIDENT_MEDICAL_YUAN = 400


class Employer(NamedTuple):
    """A unit: its name, its unified social credit code, and its code at the fund centre."""

    name: str
    uscc: str
    unit_code: str


class _Rate(NamedTuple):
    """An employee's insurance and its rates in basis points of the base, the person's and the unit's."""

    insurance_type: Literal["110", "210", "310", "410"]
    personal_bp: int
    unit_bp: int


_EMPLOYEE_RATES = (_Rate("110", 800, 1_600), _Rate("310", 200, 800), _Rate("210", 50, 50), _Rate("410", 0, 40))


def standing_of(subject: Subject) -> str:
    """Return employee, flexible, resident or none; only people of working age have one."""
    last_year = 60 if subject.sex == "male" else 55
    if not 18 <= subject.age < last_year:
        return "none"
    return subject.stream("standing").pick(_STANDINGS)


def employment_of(subject: Subject) -> Employment | None:
    """Return the job of an employee. Employers are shared: 400 in each region."""
    if standing_of(subject) != "employee":
        return None
    stream = subject.stream("employment")
    employer = employer_of(subject.seed, subject.region, stream)
    since = stream.day_before(subject.as_of, 30, min(4_000, (subject.age - 17) * 365))
    wage = yuan(stream.between(220, 760) * 10)
    return Employment(employer.name, employer.uscc, employer.unit_code, since, wage)


def employer_of(seed: int, region: str, picker: DigestStream) -> Employer:
    """Return one of a region's employers, the same for everybody who draws its number."""
    number = picker.below(_EMPLOYERS_PER_REGION)
    stream = DigestStream(seed, "employer", region, number)
    name = f"{region_name(region)}{stream.pick(BRANDS)}{stream.pick(_TRADES)}有限公司"
    return Employer(name, build_uscc(stream, region, "91"), f"{region[2:]}{number:06d}")


def contributions_of(subject: Subject, employment: Employment | None) -> tuple[SocialContribution, ...]:
    """Return one row for each insurance, in its latest month."""
    stream, standing = subject.stream("contribution"), standing_of(subject)
    if employment:
        return _employee(subject, employment, stream)
    if standing == "flexible":
        return _flexible(subject, stream)
    return _resident(subject, stream) if standing == "resident" else ()


def _employee(subject: Subject, job: Employment, stream: DigestStream) -> tuple[SocialContribution, ...]:
    """Return the four insurances of a job; the base is last year's wage, not under the local floor."""
    income = job.monthly_wage_fen * stream.between(90, 100) // 10_000 * 100
    base, month = max(income, yuan(_FLOOR_YUAN)), month_back(subject.as_of, stream.pick((1, 1, 1, 1, 2)))
    months = max(1, (subject.as_of - job.since).days // 31)
    arrears = stream.happens(2, 100)
    return tuple(
        SocialContribution(
            status="current",
            insurance_type=rate.insurance_type,
            person_category="employee",
            unit_name=job.employer,
            unit_uscc=job.employer_uscc,
            joined=job.since,
            state="insured",
            month=max(month, month_back(job.since, 0)),
            base_fen=base,
            personal_fen=at_rate(base, rate.personal_bp),
            unit_fen=at_rate(base, rate.unit_bp),
            arrears_fen=at_rate(base, rate.personal_bp + rate.unit_bp) * 2 if arrears else 0,
            last_paid_month=max(month, month_back(job.since, 0)),
            months_total=months,
            prior_year_monthly_income_fen=income,
            region=subject.region,
            base_at_floor=base > income,
        )
        for rate in _EMPLOYEE_RATES
    )


def _flexible(subject: Subject, stream: DigestStream) -> tuple[SocialContribution, ...]:
    """Return pension at 20 % and medical at 8 % of a self-chosen base, mostly the floor; one in six has stopped paying."""
    base = yuan(_FLOOR_YUAN) * stream.pick((100, 100, 100, 110, 130)) // 100
    paused = stream.happens(16, 100)
    months_ago, joined = stream.between(3, 11) if paused else 1, stream.day_before(subject.as_of, 430, 3_650)
    pension = _own_payment(subject, "110", joined, months_ago, at_rate(base, 2_000))
    medical = _own_payment(subject, "310", joined, months_ago, at_rate(base, 800))
    state: Literal["paused", "insured"] = "paused" if paused else "insured"
    floor = base == yuan(_FLOOR_YUAN)
    return tuple(replace(row, person_category="flexible", state=state, base_fen=base, base_at_floor=floor) for row in (pension, medical))


def _resident(subject: Subject, stream: DigestStream) -> tuple[SocialContribution, ...]:
    """Return the yearly payments of a resident: a flat sum, no base, made in one month of the last twelve."""
    months_ago, joined = stream.between(1, 11), stream.day_before(subject.as_of, 430, 3_650)
    pension = _own_payment(subject, "170", joined, months_ago, yuan(stream.pick(_RESIDENT_PENSION_YUAN)))
    medical = _own_payment(subject, "390", joined, months_ago, yuan(_RESIDENT_MEDICAL_YUAN))
    return (pension, medical)


def _own_payment(
    subject: Subject, insurance_type: Literal["110", "170", "310", "390"], joined: date, months_ago: int, amount: int
) -> SocialContribution:
    """Return an insurance that a resident pays without a unit and without a base."""
    month = month_back(subject.as_of, months_ago)
    return SocialContribution(
        status="current",
        insurance_type=insurance_type,
        person_category="resident",
        unit_name=None,
        unit_uscc=None,
        joined=joined,
        state="insured",
        month=month,
        base_fen=0,
        personal_fen=amount,
        unit_fen=0,
        arrears_fen=0,
        last_paid_month=month,
        months_total=(subject.as_of - joined).days // 31,
        prior_year_monthly_income_fen=None,
        region=subject.region,
        base_at_floor=False,
    )
