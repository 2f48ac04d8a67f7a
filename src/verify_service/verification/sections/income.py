"""The income section: every deduction printed, every bound named."""

from typing import Any

from pydantic import BaseModel

from verify_service.domain.money import half_up
from verify_service.domain.report.income import BenefitLine, ClassLine, Deduction, IncomeSection, MemberIncomeLine, WageLine
from verify_service.verification.income import Benefit, ClassIncome, MemberIncome
from verify_service.verification.merge import Merged
from verify_service.verification.sections.texts import provenance
from verify_service.verification.wages import Wage


def declared(part: BaseModel) -> Any:
    """Return what was declared, as it was declared."""
    return part.model_dump(mode="json")


def income(merged: Merged) -> IncomeSection:
    """Return everybody's income, and the household's totals and means."""
    earned = merged.income
    lower = earned.per_capita.lower
    per_capita: Any = earned.per_capita.to_json("fen")
    per_capita["exact_numerator_fen"], per_capita["exact_denominator"] = str(lower.numerator), str(lower.denominator)
    section: Any = {
        "months": earned.months,
        "persons": earned.persons,
        "members": [_member(m, merged) for m in earned.members.values()],
        "total": earned.total.to_json("fen"),
        "monthly": earned.monthly.to_json("fen"),
        "per_capita_monthly": per_capita,
    }
    return section  # type: ignore[no-any-return] # intervals are written by to_json; a test reads every report with the published model


def _member(member: MemberIncome, merged: Merged) -> MemberIncomeLine:
    line: Any = {
        "member": member.member,
        "in_total": member.member in merged.counted,
        "classes": [_class(c) for c in member.classes],
        "wages": [_wage(w) for w in member.wages],
        "employment_cost": _cost(member),
        "benefits": [_benefit(b) for b in member.benefits],
        "total": member.total.to_json("fen"),
    }
    return line  # type: ignore[no-any-return]


def _cost(member: MemberIncome) -> Deduction | None:
    return _deduction("employment_cost", half_up(member.employment_cost), "B5") if member.employment_cost else None


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
        "evidence": [provenance(row) for row in wage.rows],
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
        "payment_state": record.payment_state,
        "pause_reason": record.pause_reason,
        "evidence": [provenance(row) for row in benefit.rows],
    }
