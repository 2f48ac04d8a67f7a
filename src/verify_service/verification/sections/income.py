"""The income section: every deduction printed, every bound named."""

from typing import Any

from pydantic import BaseModel

from verify_service.domain.interval import Interval
from verify_service.domain.money import half_up
from verify_service.domain.report.income import BenefitLine, ClassLine, Deduction, EmploymentCost, IncomeSection, MemberIncomeLine, WageLine
from verify_service.verification.benefits import Benefit
from verify_service.verification.income import ClassIncome, MemberIncome
from verify_service.verification.merge import Merged, Own
from verify_service.verification.sections.texts import provenances
from verify_service.verification.wages import Wage


def declared(part: BaseModel) -> Any:
    """Return what was declared, as it was declared."""
    return part.model_dump(mode="json")


def income(merged: Merged) -> IncomeSection:
    """Return everybody's income, and the household's totals and means."""
    earned = merged.income
    section: Any = {
        "beneficiary": None if merged.own is None else _own(merged.own),
        "months": earned.months,
        "persons": earned.persons,
        "members": [_member(m, merged) for m in earned.members.values()],
        "total": earned.total.to_json("fen"),
        "monthly": earned.monthly.to_json("fen"),
        "per_capita_monthly": _exact(earned.per_capita),
    }
    return section  # type: ignore[no-any-return] # intervals are written by to_json; a test reads every report with the published model


def _exact(mean: Interval) -> Any:
    """Return a mean with its unrounded lower bound beside it."""
    lower = mean.lower
    return mean.to_json("fen") | {"exact_numerator_fen": str(lower.numerator), "exact_denominator": str(lower.denominator)}


def _own(own: Own) -> Any:
    return {"member": own.member, "total": own.income.total.to_json("fen"), "monthly": _exact(own.income.monthly)}


def _member(member: MemberIncome, merged: Merged) -> MemberIncomeLine:
    line: Any = {
        "member": member.member,
        "in_total": member.member in merged.income.in_total,
        "classes": [_class(c) for c in member.classes],
        "wages": [_wage(w) for w in member.wages],
        "income_tax": None if member.income_tax is None else member.income_tax.to_json("fen"),
        "employment_cost": None if member.employment_cost is None else _cost(member.employment_cost),
        "benefits": [_benefit(b) for b in member.benefits],
        "support": [{"supporter": s.supporter, "basis": s.basis, "amount": s.amount.to_json("fen")} for s in member.support],
        "special": [{"kind": s.kind.value, "amount_fen": s.amount_fen, "counted": counts} for s, counts in member.special],
        "total": member.total.to_json("fen"),
    }
    return line  # type: ignore[no-any-return]


def _cost(cost: Interval) -> EmploymentCost:
    upper = None if cost.upper is None else half_up(cost.upper)
    return {"code": "employment_cost", "amount_fen": half_up(cost.lower), "upper_fen": upper, "rule": "B5"}


def _class(c: ClassIncome) -> ClassLine:
    line: Any = {
        "income_class": c.name,
        "declared_fen": c.declared,
        "proven": None if c.proven is None else c.proven.to_json("fen"),
        "counted": c.counted.to_json("fen"),
        "basis": c.basis,
    }
    return line  # type: ignore[no-any-return]


def _wage(wage: Wage) -> WageLine:
    return {
        "employer": wage.employer,
        "basis": wage.basis,
        "months": wage.months,
        "gross_fen": wage.gross_fen,
        "deductions": [
            _deduction("social_insurance_personal", wage.social_insurance_fen, "M18"),
            _deduction("housing_fund_personal", wage.housing_fund_fen, "M18"),
        ],
        "net_fen": wage.net_fen,
        "fund_base_fen": wage.fund_base_fen,
        "contribution_base_fen": wage.contribution_base_fen,
        "evidence": provenances(wage.rows),
    }


def _deduction(code: Any, amount_fen: int, rule: str) -> Deduction:
    return {"code": code, "amount_fen": amount_fen, "rule": rule}


def _benefit(benefit: Benefit) -> BenefitLine:
    record = benefit.record
    return {
        "benefit_type": record.benefit_type,
        "months": benefit.months,
        "monthly_fen": record.monthly_fen,
        "paid_fen": benefit.paid_fen,
        "exempt_fen": benefit.exempt_fen,
        "back_pay_fen": record.back_pay_fen,
        "back_pay_counted_fen": half_up(benefit.back_pay_fen),
        "payment_state": record.payment_state,
        "pause_reason": record.pause_reason,
        "evidence": provenances(benefit.rows),
    }
