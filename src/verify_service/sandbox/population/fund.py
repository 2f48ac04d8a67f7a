"""Housing provident fund: 2 % of people have an account (domain reference B10), employees mostly, the others an old one."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from verify_service.sandbox.population.regions import REGIONS, city_name
from verify_service.sandbox.population.stream import DigestStream, spread
from verify_service.sandbox.population.subject import Subject, at_rate, month_back, yuan
from verify_service.sandbox.population.truth import Employment, FundAccount, FundLoan, FundWithdrawal, RealProperty
from verify_service.sandbox.population.words import BANKS
from verify_service.sandbox.population.work import Employer, employer_of

_PER_TEN_THOUSAND_EMPLOYEES = 1_270
_PER_TEN_THOUSAND_OTHERS = 95
_RATES_BP = spread((50, 500), (10, 600), (10, 700), (15, 800), (10, 1_000), (5, 1_200))
_REASONS: tuple[Literal["purchase", "repayment", "rent", "illness", "other"], ...] = ("purchase", "repayment", "rent", "illness", "other")
_INTEREST_BP = 310


@dataclass(frozen=True, slots=True)
class _Life:
    """From when to when an account was paid into, on what base, and what it is now."""

    opened: date
    last_paid: date
    state: Literal["normal", "sealed", "closed"]
    base_fen: int
    loans: tuple[FundLoan, ...] = ()

    @property
    def closed(self) -> date | None:
        """Return the day the account was closed, at the end of the job."""
        return self.last_paid if self.state == "closed" else None


def fund_accounts_of(subject: Subject, job: Employment | None, homes: tuple[RealProperty, ...]) -> tuple[FundAccount, ...]:
    """Return the person's accounts; one holder in twelve left another at a second centre, sealed or closed."""
    stream, centre = subject.stream("fund"), f"{subject.region[:4]}00"
    chance = _PER_TEN_THOUSAND_EMPLOYEES if job else _PER_TEN_THOUSAND_OTHERS
    if not 25 <= subject.age < 75 or not stream.happens(chance * subject.hits):
        return ()
    if not job:
        return (_left(subject, stream, centre),)
    account = _paying(subject, stream, centre, job, homes)
    return (account, _left(subject, stream, _other_centre(stream, centre))) if stream.happens(8, 100) else (account,)


def _other_centre(stream: DigestStream, centre: str) -> str:
    return stream.pick([code for code in REGIONS if code.endswith("00") and code not in {centre, "990000"}])


def _paying(subject: Subject, stream: DigestStream, centre: str, job: Employment, homes: tuple[RealProperty, ...]) -> FundAccount:
    """Return the account of the job held now; the base is last year's wage, 10 % less to 5 % more than this year's."""
    base = job.monthly_wage_fen * stream.between(90, 105) // 10_000 * 100
    last_month = stream.day_before(subject.as_of.replace(day=1), 1, 1)
    loans = (_loan(stream, subject, homes),) if stream.happens(15, 100) else ()
    life = _Life(job.since, max(job.since, last_month), "normal", base, loans)
    return _account(stream, subject.as_of, centre, Employer(job.employer, job.employer_uscc, job.unit_code), life)


def _left(subject: Subject, stream: DigestStream, centre: str) -> FundAccount:
    """Return the account of a job given up more than a year ago: sealed, or closed with all of it withdrawn."""
    ended = stream.day_before(subject.as_of, 400, 1_200)
    opened = stream.day_before(ended, 200, 1_200)
    life = _Life(opened, ended, "closed" if stream.happens(20, 100) else "sealed", yuan(stream.between(200, 600) * 10))
    return _account(stream, subject.as_of, centre, employer_of(subject.seed, f"{centre[:4]}01", stream), life)


def _account(stream: DigestStream, as_of: date, centre: str, unit: Employer, life: _Life) -> FundAccount:
    """Return an account. The balance is what was paid in less what was taken out; interest is left out."""
    personal_bp, unit_bp = stream.pick(_RATES_BP), stream.pick(_RATES_BP)
    personal, by_unit = at_rate(life.base_fen, personal_bp), at_rate(life.base_fen, unit_bp)
    saved = (personal + by_unit) * max(1, (life.last_paid - life.opened).days // 31)
    withdrawals = _withdrawals(stream, as_of, life, saved)
    balance = saved - sum(withdrawal.amount_fen for withdrawal in withdrawals)
    in_use = life.state == "normal"
    frozen = in_use and stream.happens(2, 100)
    return FundAccount(
        status="cancelled" if life.closed else "current",
        centre_code=centre,
        centre_name=f"{city_name(centre)}住房公积金管理中心",
        account=f"{centre}{stream.digits(10)}",
        employee_code=stream.digits(10),
        unit_code=unit.unit_code,
        unit_name=unit.name,
        unit_uscc=unit.uscc,
        account_state="frozen" if frozen else life.state,
        remit_state="remitting" if in_use else "stopped",
        opened=life.opened,
        closed=life.closed,
        base_fen=life.base_fen,
        personal_rate_bp=personal_bp,
        unit_rate_bp=unit_bp,
        personal_monthly_fen=personal,
        unit_monthly_fen=by_unit,
        monthly_total_fen=personal + by_unit,
        last_paid_month=month_back(life.last_paid, 0),
        balance_fen=balance,
        balance_date=life.closed or max(life.last_paid, as_of.replace(day=1)),
        frozen_fen=balance if frozen else 0,
        supplement_fen=personal * 3 if in_use and stream.happens(4, 100) else 0,
        withdrawals=withdrawals,
        loans=life.loans,
    )


def _withdrawals(stream: DigestStream, as_of: date, life: _Life, saved: int) -> tuple[FundWithdrawal, ...]:
    """Return everything on the last day for a closed account, a part of it for one in five in use, else nothing."""
    if life.closed:
        return (FundWithdrawal(life.closed, saved, "leaving"),)
    if life.state == "sealed" or not stream.happens(20, 100):
        return ()
    day = stream.day_before(as_of, 1, (as_of - life.opened).days)
    return (FundWithdrawal(day, saved * stream.between(20, 80) // 100, stream.pick(_REASONS)),)


def _loan(stream: DigestStream, subject: Subject, homes: tuple[RealProperty, ...]) -> FundLoan:
    """Return a loan repaid in equal parts of the principal and of simple interest over half the term."""
    amount, term = yuan(stream.between(15, 60) * 10_000), 12 * stream.pick((10, 15, 20, 25, 30))
    granted = stream.day_before(subject.as_of, 60, 2_500)
    settled = stream.happens(10, 100)
    left = 0 if settled else term - (subject.as_of - granted).days // 31
    interest = at_rate(amount, _INTEREST_BP) * term // 24
    address = next((home.location for home in homes if home.residential), None)
    return FundLoan(
        bank=stream.pick(BANKS),
        amount_fen=amount,
        term_months=term,
        granted=granted,
        monthly_repayment_fen=(amount + interest) // term,
        outstanding_fen=amount * left // term,
        state="settled" if settled else "overdue" if stream.happens(4, 100) else "repaying",
        house_address=address or f"{city_name(subject.region)}示范路{stream.between(1, 400)}号{stream.between(1, 20)}栋",
    )
