"""Income by the five classes: proven where registers prove it, declared where nothing does (M17 to M20, M24, M26).

All amounts are of the whole income period, in fen; the monthly mean divides by the period's months even if fewer were
worked (M26). A wage or transfer is open upwards while a register that may prove it has not answered.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast

from verify_service.domain.household import Household, Member
from verify_service.domain.interval import NOTHING, Exact, Interval, divided, total
from verify_service.domain.policy import Policy
from verify_service.domain.records import FundAccount, PensionBenefit, RecordStatus, SocialContribution
from verify_service.domain.request import Period
from verify_service.verification.assets import Thing, of_member, things
from verify_service.verification.evidence import Evidence, Row
from verify_service.verification.wages import Wage, wages

IncomeClass = Literal["wage", "business", "property", "transfer", "other"]
Basis = Literal["evidence", "declared", "none"]
WAGE_KINDS = ("housing_fund", "contribution")


@dataclass(frozen=True, slots=True)
class Benefit:
    """One benefit of one member over the period, in fen; `exempt` is the part that is not income (M19), None if unknown."""

    record: PensionBenefit
    rows: tuple[Row, ...]
    months: int
    paid_fen: int
    exempt_fen: int | None

    @property
    def income(self) -> Interval:
        """Return what counts; without the split of a resident pension any part of it may be exempt."""
        if self.exempt_fen is not None:
            return Interval.of(max(0, self.paid_fen - self.exempt_fen))
        return Interval(0, self.paid_fen, frozenset({f"{self.rows[0].member}:{self.rows[0].source.id}"}))


@dataclass(frozen=True, slots=True)
class ClassIncome:
    """One class of one member. declared is None when she declared nothing at all; proven None when no evidence speaks."""

    name: IncomeClass
    declared: int | None
    proven: Interval | None
    counted: Interval
    basis: Basis


@dataclass(frozen=True, slots=True)
class MemberIncome:
    """One member's income. `employment_cost` is what the policy deducts from proven wages, None while those are not known."""

    member: str
    classes: tuple[ClassIncome, ...]
    wages: Sequence[Wage]
    benefits: Sequence[Benefit]
    employment_cost: Exact | None
    total: Interval


@dataclass(frozen=True, slots=True)
class Income:
    """The household's income: every person's, then the counted members' total, monthly mean and mean per person."""

    members: Mapping[str, MemberIncome]
    months: int
    persons: int
    total: Interval
    monthly: Interval
    per_capita: Interval


def income(evidence: Evidence, household: Household, period: Period, policy: Policy) -> Income:
    """Compute everybody's income; supporters and excluded persons stand beside the total, never in it (M23, M24)."""
    months = _months(period)
    by_kind = {kind: _by_member(evidence.of(kind)) for kind in (*WAGE_KINDS, "benefit")}
    members = {m.ref: _member_income(m, evidence, by_kind, months, policy) for m in household.members}
    counted = [m.ref for m in household.members if m.counted]
    whole = total(members[ref].total for ref in counted)
    monthly = whole.per(len(months))
    return Income(members, len(months), len(counted), whole, monthly, whole.per(len(months) * len(counted)))


def _months(period: Period) -> list[str]:
    first = int(period.first[:4]) * 12 + int(period.first[5:]) - 1
    return [f"{m // 12:04d}-{m % 12 + 1:02d}" for m in range(first, first + period.months)]


def _by_member(rows: Sequence[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for row in rows:
        found.setdefault(row.member, []).append(row)
    return found


def _member_income(
    member: Member, evidence: Evidence, by_kind: Mapping[str, Mapping[str, list[Row]]], months: Sequence[str], policy: Policy
) -> MemberIncome:
    fund_rows, contribution_rows, benefit_rows = (rows.get(member.ref, []) for rows in by_kind.values())
    found = wages(_best(fund_rows), _best(contribution_rows), months) if fund_rows or contribution_rows else []
    drawn = [_benefit(thing, months, policy) for thing in things(benefit_rows, _benefit_key, of_member)] if benefit_rows else []
    declared = member.declared_income
    classes = (
        _class("wage", declared.wage_fen if declared else None, _proven_wage(found, evidence, member.ref), policy),
        _class("business", declared.business_fen if declared else None, None, policy),
        _class("property", declared.property_fen if declared else None, None, policy),
        _class("transfer", declared.transfer_fen if declared else None, _proven_transfer(drawn, evidence, member.ref), policy),
        _class("other", declared.other_fen if declared else None, None, policy),
    )
    whole = total(c.counted for c in classes)
    cost = _employment_cost(classes[0], policy)
    certain = None if classes[0].counted.missing else cost
    return MemberIncome(member.ref, classes, found, drawn, certain, whole if not cost else whole.less(cost))


def _class(name: IncomeClass, declared: int | None, proven: Interval | None, policy: Policy) -> ClassIncome:
    """Take what is proven; declared where nothing is (M20), or where the policy takes the higher of the two (就高)."""
    said = Interval.of(declared) if declared else NOTHING
    if proven is None:
        return ClassIncome(name, declared, None, said, "none" if declared is None else "declared")
    if not policy.local.deductions.declared_is_floor or proven.lower >= said.lower:
        return ClassIncome(name, declared, proven, proven, "evidence")
    upper = None if proven.upper is None else max(proven.upper, said.lower)
    return ClassIncome(name, declared, proven, Interval(said.lower, upper, proven.missing), "declared")


def _proven_wage(found: Sequence[Wage], evidence: Evidence, member: str) -> Interval | None:
    """While one wage register is silent its answer may change base and deductions alike: nothing is sure from below."""
    missing = evidence.missing(WAGE_KINDS, (member,))
    if missing:
        return Interval.of(0, missing)
    return Interval.of(sum(w.net_fen for w in found)) if found else None


def _proven_transfer(drawn: Sequence[Benefit], evidence: Evidence, member: str) -> Interval | None:
    missing = evidence.missing(("benefit",), (member,))
    if not drawn and not missing:
        return None
    return total([*(b.income for b in drawn), Interval.of(0, missing)])


def _employment_cost(wage: ClassIncome, policy: Policy) -> Exact:
    """Return what the cost of working (就业成本) takes off the wage's lower bound, in fen over the period.

    Only a proven wage bears it. While the proof is missing, a declared wage may still turn out to be a proven one.
    """
    rules = policy.local.deductions
    if not rules.employment_cost_applies or (wage.basis != "evidence" and not wage.counted.missing):
        return 0
    return divided(wage.counted.lower * rules.employment_cost_rate_bp, 10_000)


def _best(rows: Sequence[Row]) -> list[Row]:
    """Return one row per account or insurance month (M4), the one to believe first."""
    return [thing.heads[0] for thing in things(rows, _account_key, of_member)] if len(rows) > 1 else list(rows)


def _account_key(row: Row) -> str:
    record = row.record
    if isinstance(record, FundAccount):
        return f"{record.centre_code} {record.account_masked}"
    return f"{record.insurance_type} {record.region} {record.month}" if isinstance(record, SocialContribution) else record.source_key


def _benefit_key(row: Row) -> str:
    record = cast("PensionBenefit", row.record)
    return f"{record.benefit_type} {record.region}"


def _benefit(thing: Thing, months: Sequence[str], policy: Policy) -> Benefit:
    """Count the paid months: none while paused, up to the last one when ended. Back pay is not monthly income (M19)."""
    record = cast("PensionBenefit", thing.heads[0].record)
    running = record.payment_state == "normal"
    idle = record.payment_state == "paused" or record.status is RecordStatus.CANCELLED
    paid = 0 if idle else sum(record.first_paid_month <= m and (running or m <= record.last_paid_month) for m in months)
    return Benefit(record, (*thing.heads, *thing.others), paid, paid * record.monthly_fen, _exempt(record, paid, policy))


def _exempt(record: PensionBenefit, months: int, policy: Policy) -> int | None:
    if record.benefit_type != "resident_pension" or not policy.local.deductions.resident_basic_pension_exempt:
        return 0
    return None if record.split is None and months else months * (record.split.basic_fen if record.split else 0)
