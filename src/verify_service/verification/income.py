"""Income by the five classes: proven where registers prove it, declared where nothing does (M17 to M22, M24, M26).

All amounts are of the whole income period, in fen; the monthly mean divides by the period's months even if fewer were
worked (M26). A wage or transfer is open upwards while a register that may prove it has not answered.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Literal

from verify_service.domain.codes import Exclusion, Labour
from verify_service.domain.household import DeclaredIncome, DeclaredSpecial, Household, Member
from verify_service.domain.interval import NOTHING, Interval, total
from verify_service.domain.policy import Policy
from verify_service.domain.policy.in_force import plain
from verify_service.domain.records import FundAccount, SocialContribution
from verify_service.domain.request import Period
from verify_service.domain.swift import swift
from verify_service.verification.assets import of_member, things
from verify_service.verification.benefits import Benefit, benefits
from verify_service.verification.evidence import Evidence, Row
from verify_service.verification.support import Supported, support
from verify_service.verification.wages import Wage, month_of, wages

IncomeClass = Literal["wage", "business", "property", "transfer", "other"]
Basis = Literal["evidence", "declared", "imputed", "none"]
CLASSES: tuple[IncomeClass, ...] = ("wage", "business", "property", "transfer", "other")
WAGE_KINDS = ("housing_fund", "contribution")
NO_TAX_REGISTER = frozenset({"*:tax"})
_PENSION_AGE = 60


@swift
@dataclass(frozen=True, slots=True)
class ClassIncome:
    """One class of one member. declared is None when she declared nothing at all; proven None when no evidence speaks."""

    name: IncomeClass
    declared: int | None
    proven: Interval | None
    counted: Interval
    basis: Basis


# A class of which nobody says anything, as most are.
_SILENT = {name: ClassIncome(name, None, None, NOTHING, "none") for name in CLASSES}


@swift
@dataclass(frozen=True, slots=True)
class MemberIncome:
    """One member's income.

    employment_cost: what the policy takes off the wage for the cost of working, None if nothing. income_tax: what proven wages
    may have been taxed, None where the rules do not tell. support: what supporters give (M21). special: what is declared
    beside the classes, and whether the rules count it (M22).
    """

    member: str
    classes: tuple[ClassIncome, ...]
    wages: Sequence[Wage]
    benefits: Sequence[Benefit]
    support: Sequence[Supported]
    special: Sequence[tuple[DeclaredSpecial, bool]]
    income_tax: Interval | None
    employment_cost: Interval | None
    total: Interval


@dataclass(frozen=True, slots=True)
class Income:
    """The income of some persons: everybody's own, then the total, monthly mean and mean per person of those `in_total`.

    Who died in the period is in the total until the month of death, and not among the persons it is divided by (M24).
    """

    members: Mapping[str, MemberIncome]
    in_total: tuple[str, ...]
    months: int
    persons: int
    total: Interval
    monthly: Interval
    per_capita: Interval

    def of(self, member: str) -> "Income":
        """Return one member's own figures, for single-person mode (M25)."""
        return _means(self.members, (member,), self.months, 1)


def income(evidence: Evidence, household: Household, period: Period, policy: Policy) -> Income:
    """Compute everybody's income; supporters and excluded persons stand beside the total, never in it (M23, M24)."""
    months = _months(period.first, period.months)
    alone = {m.ref: _member_income(m, evidence, months, policy, ()) for m in household.members if m.support}
    own = {m.ref: _supporters_own(m, alone[m.ref].total) for m in household.members if m.support}
    given = support(household, own, len(months), policy) if own else {}
    members = {m.ref: alone.get(m.ref) or _member_income(m, evidence, months, policy, given.get(m.ref, ())) for m in household.members}
    counted = tuple(m.ref for m in household.members if m.counted or _died_in(m, months))
    return _means(members, counted, len(months), sum(m.counted for m in household.members))


def _means(members: Mapping[str, MemberIncome], in_total: tuple[str, ...], months: int, persons: int) -> Income:
    whole = total(members[ref].total for ref in in_total)
    return Income(members, in_total, months, persons, whole, whole.per(months), whole.per(months * persons))


def _supporters_own(member: Member, proven: Interval) -> Interval:
    return proven.at_least(member.support.household_income_fen if member.support else 0)


def _died_in(member: Member, months: Collection[str]) -> bool:
    return member.excluded is Exclusion.DECEASED and member.died_on is not None and month_of(member.died_on) in months


@lru_cache(maxsize=256)  # most households of a day are verified for the same period
def _months(first_month: str, months: int) -> Sequence[str]:
    first = int(first_month[:4]) * 12 + int(first_month[5:]) - 1
    return tuple(f"{m // 12:04d}-{m % 12 + 1:02d}" for m in range(first, first + months))


def _member_income(
    member: Member, evidence: Evidence, months: Sequence[str], policy: Policy, supported: Sequence[Supported]
) -> MemberIncome:
    if member.died_on is not None:
        months = [m for m in months if m <= month_of(member.died_on)]
    fund_rows, contribution_rows, benefit_rows = (evidence.of_member(kind, member.ref) for kind in (*WAGE_KINDS, "benefit"))
    found = wages(_best(fund_rows), _best(contribution_rows), months) if fund_rows or contribution_rows else []
    drawn = benefits(benefit_rows, months, policy)
    tax = _income_tax(found, policy)
    declared = member.declared_income
    proven: dict[IncomeClass, Interval | None] = {
        "wage": _proven_wage(found, tax, evidence, member.ref, months, policy),
        "transfer": _proven_transfer([*(b.income for b in drawn), *(s.amount for s in supported)], evidence, member.ref),
    }
    said: dict[IncomeClass, int | None] = dict.fromkeys(CLASSES) if declared is None else _declared(declared, policy)
    classes = tuple(_class(name, said[name], proven.get(name), policy) for name in CLASSES)
    classes = (_imputed(classes[0], member, months, policy), *classes[1:])
    special = _special(declared, policy) if declared else ()
    cost = _employment_cost(classes[0], len(months), policy)
    wage = classes[0].counted if cost is None else _less_cost(classes[0].counted, cost)
    whole = total([wage, *(c.counted for c in classes[1:])])
    return MemberIncome(member.ref, classes, found, drawn, supported, special, tax, cost, whole)


def _class(name: IncomeClass, declared: int | None, proven: Interval | None, policy: Policy) -> ClassIncome:
    """Take what is proven; declared where nothing is (M20), or where the policy takes the higher of the two (就高)."""
    if proven is None and declared is None:
        return _SILENT[name]
    said = Interval.of(declared) if declared else NOTHING
    if proven is None:
        return ClassIncome(name, declared, None, said, "declared")
    if not policy.rules.deductions.declared_is_floor or proven.lower >= said.lower:
        return ClassIncome(name, declared, proven, proven, "evidence")
    upper = None if proven.upper is None else max(proven.upper, said.lower)
    return ClassIncome(name, declared, proven, Interval(said.lower, upper, proven.missing), "declared")


def _declared(declared: DeclaredIncome, policy: Policy) -> dict[IncomeClass, int | None]:
    """Return the five classes; transfers with what the rules do not exclude of the money beside them (M22)."""
    return {
        "wage": declared.wage_fen,
        "business": declared.business_fen,
        "property": declared.property_fen,
        "transfer": declared.transfer_fen + _counted_special(declared, policy),
        "other": declared.other_fen,
    }


def _counted_special(declared: DeclaredIncome, policy: Policy) -> int:
    return sum(s.amount_fen for s, counts in _special(declared, policy) if counts)


def _special(declared: DeclaredIncome, policy: Policy) -> list[tuple[DeclaredSpecial, bool]]:
    excluded = policy.rules.deductions.special_income_excluded
    return [(s, s.kind not in excluded) for s in declared.special]


def _imputed(wage: ClassIncome, member: Member, months: Sequence[str], policy: Policy) -> ClassIncome:
    """Take an able person to earn the local minimum wage at least, where the policy says so (M20)."""
    rules = policy.rules
    able = member.labour is Labour.ABLE and not member.student and member.counted
    if not rules.deductions.minimum_wage_imputed or not able or member.age(policy.day) >= _PENSION_AGE or member.is_minor(policy.day):
        return wage
    floor = rules.standards.minimum_wage_monthly_fen * len(months)
    if wage.counted.lower >= floor:
        return wage
    return ClassIncome(wage.name, wage.declared, wage.proven, wage.counted.at_least(floor), "imputed")


def _income_tax(found: Sequence[Wage], policy: Policy) -> Interval | None:
    """Bound the income tax on proven wages (M18): nothing at least, at most what is due without any special deduction."""
    rule = policy.rules.deductions.income_tax
    if rule is None or not found:
        return None
    taxable = sum(w.net_fen for w in found)
    highest = rule.highest(taxable, len(frozenset().union(*(w.worked for w in found))))
    return Interval(0, highest, NO_TAX_REGISTER) if highest else NOTHING


def _proven_wage(
    found: Sequence[Wage], tax: Interval | None, evidence: Evidence, member: str, months: Sequence[str], policy: Policy
) -> Interval | None:
    """While one wage register is silent its answer may change base, deductions and tax alike: nothing is sure from below."""
    missing = evidence.missing(WAGE_KINDS, (member,))
    if missing:
        return Interval.of(0, missing if policy.rules.deductions.income_tax is None else missing | NO_TAX_REGISTER)
    if not found:
        return None
    net = sum(w.net_fen for w in found)
    taxed = Interval.of(net) if tax is None else Interval(net - (tax.upper or 0), net, tax.missing)
    return taxed if policy.rules.deductions.monthly_mean == "period" else _as_if_all_months(taxed, found, months)


def _as_if_all_months(wage: Interval, found: Sequence[Wage], months: Sequence[str]) -> Interval:
    """Return the wage of the months in work, brought to all months of the period (M26)."""
    worked = len(frozenset().union(*(w.worked for w in found)))
    return wage.scaled(len(months)).per(worked)


def _proven_transfer(parts: Sequence[Interval], evidence: Evidence, member: str) -> Interval | None:
    missing = evidence.missing(("benefit",), (member,))
    if not parts and not missing:
        return None
    return total([*parts, Interval.of(0, missing)])


def _employment_cost(wage: ClassIncome, months: int, policy: Policy) -> Interval | None:
    """Return what the cost of working (就业成本) takes off the wage, in fen over the period.

    Only a proven wage bears it. While the proof is missing, a declared wage may still turn out to be a proven one.
    """
    rules = policy.rules.deductions
    if not rules.employment_cost_applies or (wage.basis != "evidence" and not wage.counted.missing):
        return None
    if rules.employment_cost_of == "wage":
        return wage.counted.scaled(Fraction(rules.employment_cost_rate_bp, 10_000))
    fixed = plain(Fraction(policy.rules.standards.minimum_wage_monthly_fen * months * rules.employment_cost_rate_bp, 10_000))
    upper = None if wage.counted.upper is None else min(fixed, wage.counted.upper)
    return Interval(min(fixed, wage.counted.lower), upper, wage.counted.missing)


def _less_cost(wage: Interval, cost: Interval) -> Interval:
    """Take the cost off bound by bound: it grows with the wage, never faster."""
    upper = None if wage.upper is None or cost.upper is None else wage.upper - cost.upper
    return Interval(wage.lower - cost.lower, upper, wage.missing)


def _best(rows: Sequence[Row]) -> list[Row]:
    """Return one row per account or insurance month (M4), the one to believe first."""
    return [thing.heads[0] for thing in things(rows, _account_key, of_member)] if len(rows) > 1 else list(rows)


def _account_key(row: Row) -> str:
    record = row.record
    if isinstance(record, FundAccount):
        return f"{record.centre_code} {record.account_masked}"
    return f"{record.insurance_type} {record.region} {record.month}" if isinstance(record, SocialContribution) else record.source_key
