"""Pensions and other benefits drawn: what was paid in the period, and which part of it is no income (M19)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import cast

from verify_service.domain.interval import Exact, Interval, divided
from verify_service.domain.policy import Policy
from verify_service.domain.records import PensionBenefit, RecordStatus
from verify_service.verification.assets import Thing, of_member, things
from verify_service.verification.evidence import Row

_YEAR = 12


@dataclass(frozen=True, slots=True)
class Benefit:
    """One benefit of one member over the period, in fen; `exempt` is the part that is not income (M19), None if unknown.

    months: how many of the period were paid, from the first to the last; without any, both are empty. back_pay_fen: what of
    a one-off payment counts in the period, by the rules.
    """

    record: PensionBenefit
    rows: tuple[Row, ...]
    months: int
    paid_from: str
    paid_to: str
    paid_fen: int
    exempt_fen: int | None
    back_pay_fen: Exact = 0

    @property
    def income(self) -> Interval:
        """Return what counts; without the split of a resident pension any part of it may be exempt."""
        if self.exempt_fen is not None:
            return Interval.of(max(0, self.paid_fen - self.exempt_fen) + self.back_pay_fen)
        cell = frozenset({f"{self.rows[0].member}:{self.rows[0].source.id}"})
        return Interval(self.back_pay_fen, self.paid_fen + self.back_pay_fen, cell)


def benefits(rows: Sequence[Row], months: Sequence[str], policy: Policy) -> list[Benefit]:
    """Return each benefit of one member once (M4)."""
    return [_benefit(thing, months, policy) for thing in things(rows, _key, of_member)] if rows else []


def _key(row: Row) -> str:
    record = cast("PensionBenefit", row.record)
    return f"{record.benefit_type} {record.region}"


def _benefit(thing: Thing, months: Sequence[str], policy: Policy) -> Benefit:
    """Count the paid months: none while paused, up to the last one when ended. Back pay is not monthly income (M19)."""
    record = cast("PensionBenefit", thing.heads[0].record)
    period, months = len(months), _paid_months(record, months)
    paid = len(months)
    spread = policy.rules.deductions.back_pay == "spread"
    back_pay = divided(record.back_pay_fen * min(period, _YEAR), _YEAR) if spread else 0
    exempt = _exempt(record, paid, policy)
    rows, first, last = (*thing.heads, *thing.others), months[0] if months else "", months[-1] if months else ""
    return Benefit(record, rows, paid, first, last, paid * record.monthly_fen, exempt, back_pay)


def _paid_months(record: PensionBenefit, months: Iterable[str]) -> list[str]:
    if record.payment_state == "paused" or record.status is RecordStatus.CANCELLED:
        return []
    running = record.payment_state == "normal"
    return [m for m in months if record.first_paid_month <= m and (running or m <= record.last_paid_month)]


def _exempt(record: PensionBenefit, months: int, policy: Policy) -> int | None:
    if record.benefit_type != "resident_pension" or not policy.rules.deductions.resident_basic_pension_exempt:
        return 0
    return None if record.split is None and months else months * (record.split.basic_fen if record.split else 0)
