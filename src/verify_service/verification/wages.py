"""Wage estimate (M17, M18): per employer and month one base, never a sum of bases; then what is taken off it.

Priority: housing fund base, then social insurance base (tax-declared income will stand before both). A running account or
insurance is taken to run to the end of the period; one that has stopped counts to its last paid month. Self-paid flexible
and resident insurance is no wage evidence.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar, cast

from verify_service.domain.records import FundAccount, RecordStatus, SocialContribution
from verify_service.domain.swift import swift
from verify_service.verification.evidence import Row

_FOR_EVER = "9999-12"
R = TypeVar("R", FundAccount, SocialContribution)
_Span = tuple[str, str, R]  # the first and last month that a row tells of
_BASE_ORDER = ("110", "120", "310", "210", "410", "510")  # whose base speaks for the wage: pension first


@swift
@dataclass(frozen=True, slots=True)
class Wage:
    """One member's wage at one employer over the whole period, in fen. months: how many of them have evidence."""

    employer: str
    basis: Literal["housing_fund_base", "contribution_base"]
    months: int
    gross_fen: int
    social_insurance_fen: int
    housing_fund_fen: int
    fund_base_fen: int | None
    contribution_base_fen: int | None
    base_at_floor: bool
    worked: frozenset[str]
    rows: tuple[Row, ...]

    @property
    def net_fen(self) -> int:
        """Return gross less the personal parts of social insurance and housing fund, never below zero."""
        return max(0, self.gross_fen - self.social_insurance_fen - self.housing_fund_fen)


def wages(fund_rows: Iterable[Row], contribution_rows: Iterable[Row], months: Sequence[str]) -> list[Wage]:
    """Estimate one member's wages, one per employer, in the order of their codes. `months` are the period's, YYYY-MM."""
    funds = [(row, r) for row in fund_rows for r in [cast("FundAccount", row.record)] if r.status is not RecordStatus.CANCELLED]
    insured = [(row, r) for row in contribution_rows for r in [cast("SocialContribution", row.record)] if is_wage_evidence(r)]
    both: list[FundAccount | SocialContribution] = [*(r for _, r in funds), *(r for _, r in insured)]
    names = {r.unit_name: r.unit_uscc for r in both if r.unit_name and r.unit_uscc}
    if not both:
        return []
    employers = sorted({code for r in both if (code := _employer(r, names))}) or ["unknown"]
    found = []
    for employer in employers:
        # A row without a code joins the first employer: two bases that may be one wage are never added.
        own_funds = [(row, r) for row, r in funds if (_employer(r, names) or employers[0]) == employer]
        own_insured = [(row, r) for row, r in insured if (_employer(r, names) or employers[0]) == employer]
        found.append(_wage(employer, own_funds, own_insured, months))
    return [wage for wage in found if wage.months]


def is_wage_evidence(record: SocialContribution) -> bool:
    """Say whether a contribution is paid for an employee."""
    in_force = record.status is not RecordStatus.CANCELLED
    return in_force and record.person_category == "employee" and record.insurance_type in _BASE_ORDER


def _employer(record: FundAccount | SocialContribution, names: Mapping[str, str]) -> str | None:
    """Return the employer's code, by its name where only another row has the code; a name alone proves no second employer."""
    return record.unit_uscc or names.get(record.unit_name or "")


def _wage(
    employer: str, funds: Sequence[tuple[Row, FundAccount]], insured: Sequence[tuple[Row, SocialContribution]], months: Sequence[str]
) -> Wage:
    """Walk the months: the fund's base where there is one, else the insurance's; the personal parts of both."""
    by_type = {kind: rows for kind in _BASE_ORDER if (rows := [r for _, r in insured if r.insurance_type == kind])}
    insurances = [_Insurance.of(rows) for rows in by_type.values()]
    gross = social = fund = from_fund = 0
    worked: set[str] = set()
    spans = [_fund_span(r) for _, r in funds]
    for month in months:
        account = _running(spans, month)
        paid = [r for insurance in insurances if (r := insurance.speaking_for(month)) is not None]
        if account is None and not paid:
            continue
        worked.add(month)
        from_fund += account is not None
        gross += account.base_fen if account else paid[0].base_fen
        fund += account.personal_monthly_fen if account else 0
        social += sum(r.personal_fen for r in paid)
    return Wage(
        employer=employer,
        basis="housing_fund_base" if from_fund else "contribution_base",
        months=len(worked),
        gross_fen=gross,
        social_insurance_fen=social,
        housing_fund_fen=fund,
        fund_base_fen=next((r.base_fen for _, r in funds), None),
        contribution_base_fen=next((rows[-1].base_fen for rows in by_type.values()), None),
        base_at_floor=not from_fund and any(r.base_at_floor for _, r in insured),
        worked=frozenset(worked),
        rows=tuple(row for row, _ in [*funds, *insured]),
    )


def _fund_span(account: FundAccount) -> _Span[FundAccount]:
    running = account.account_state == "normal" and account.remit_state == "remitting"
    return month_of(account.opened), _FOR_EVER if running else account.last_paid_month, account


@dataclass(frozen=True, slots=True)
class _Insurance:
    """The rows of one insurance at one employer, each with the first and last month that it tells of; `latest` first by month."""

    rows: Sequence[_Span[SocialContribution]]
    latest: Sequence[_Span[SocialContribution]]
    months: Sequence[str]

    @classmethod
    def of(cls, records: Sequence[SocialContribution]) -> "_Insurance":
        """Lay the rows out once for all months."""
        rows = [(month_of(r.joined), _FOR_EVER if r.state == "insured" else r.last_paid_month, r) for r in records]
        latest = sorted(rows, key=lambda span: span[2].month, reverse=True)
        return cls(rows, latest, [r.month for _, _, r in reversed(latest)])

    def speaking_for(self, month: str) -> SocialContribution | None:
        """Return the row that speaks for a month: the latest up to it, else the first. A row tells of all months from its first."""
        if len(self.rows) == 1:
            return _running(self.rows, month)
        later = len(self.months) - bisect_right(self.months, month)
        return _running(self.latest[later:], month) or _running(self.rows, month)


def _running(rows: Iterable[_Span[R]], month: str) -> R | None:
    for first, last, record in rows:
        if first <= month <= last:
            return record
    return None


def month_of(day: date) -> str:
    """Return the month of a day, YYYY-MM."""
    return f"{day.year:04d}-{day.month:02d}"
