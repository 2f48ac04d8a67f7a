"""Coverage first, then rules, commission and household."""

from collections.abc import Mapping
from enum import StrEnum

from verify_service.domain.codes import Role
from verify_service.domain.household import Member
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.policy import Policy
from verify_service.domain.report.origin import (
    Commissioned,
    CoverageCell,
    HouseholdSection,
    MemberLine,
    Person,
    PolicyReference,
    SourceFacts,
)
from verify_service.domain.request import Staff, VerificationRequest
from verify_service.sources.definition import Source
from verify_service.verification.merge import Merged
from verify_service.verification.sections.texts import maybe_day, maybe_instant

# Looked up once: a report has a cell for every member and source.
_OUTCOMES = {code: (code.value, code.outcome_class.value, code.is_fact) for code in OutcomeCode}


def coverage(merged: Merged) -> list[CoverageCell]:
    """Return the member x source matrix in canonical order."""
    return [_cell(pair, answer, required=pair in merged.required) for pair, answer in merged.evidence.answers.items()]


def asked(merged: Merged, sources: Mapping[str, Source]) -> list[SourceFacts]:
    """Return the facts of every source that has a column in the matrix."""
    return [_source(sources[name]) for name in sorted({source for _, source in merged.evidence.answers})]


def _cell(pair: tuple[str, str], answer: Answer, *, required: bool) -> CoverageCell:
    outcome = answer.outcome
    code, of_class, is_fact = _OUTCOMES[outcome.code]
    return {
        "member": pair[0],
        "source": pair[1],
        "outcome": code,
        "outcome_class": of_class,
        "is_fact": is_fact,
        "required": required,
        "records": len(answer.records),
        "failed_by": outcome.failed_by,
        "detail": outcome.detail,
        "as_of": maybe_day(outcome.as_of),
        "asked_at": maybe_instant(outcome.asked_at),
        "feedback_at": maybe_instant(outcome.answered_at),
        "attempts": outcome.attempts,
        "question_digest": answer.question.digest,
        "answer_digests": sorted(outcome.answer_digests),
        "institutions": None if outcome.institutions is None else {"answered": outcome.institutions[0], "of": outcome.institutions[1]},
        "next_look": maybe_instant(outcome.next_look),
        "latest": maybe_instant(outcome.latest),
    }


def _source(source: Source) -> SourceFacts:
    return {
        "id": source.id,
        "title": source.title,
        "title_zh": source.title_zh,
        "authority": source.authority,
        "legal_basis": source.legal_basis,
        "level": source.level,
        "region": source.region,
        "contract_version": source.contract_version,
    }


def policy_reference(policy: Policy, request: VerificationRequest) -> PolicyReference:
    """Freeze the rules that were used."""
    rules, version = policy.rules, policy.version
    deductions = rules.deductions
    return {
        "pack": version.pack,
        "pack_name": version.pack_name_zh,
        "version": version.version,
        "rules_digest": version.digests[policy.region],
        "region": policy.region,
        "region_name": rules.name_zh,
        "programme": policy.code,
        "purpose": policy.purpose.value,
        "in_force_from": version.in_force_from.isoformat(),
        "in_force_to": maybe_day(version.in_force_to),
        "dibao_monthly_fen": rules.standards.dibao_monthly_fen[request.household.hukou],
        "minimum_wage_monthly_fen": rules.standards.minimum_wage_monthly_fen,
        "employment_cost_applies": deductions.employment_cost_applies,
        "employment_cost_rate_bp": deductions.employment_cost_rate_bp,
        "employment_cost_of": deductions.employment_cost_of,
        "income_tax_allowance_monthly_fen": None if deductions.income_tax is None else deductions.income_tax.allowance_monthly_fen,
        "back_pay": deductions.back_pay,
        "minimum_wage_imputed": deductions.minimum_wage_imputed,
        "monthly_mean": deductions.monthly_mean,
        "special_income_excluded": sorted(kind.value for kind in deductions.special_income_excluded),
        "support_exempt_per_person_yearly_fen": None if deductions.support is None else deductions.support.exempt_per_person_yearly_fen,
        "business_capital": rules.assets.business_capital,
        "resident_basic_pension_exempt": deductions.resident_basic_pension_exempt,
        "declared_is_floor": deductions.declared_is_floor,
    }


def commission(request: VerificationRequest) -> Commissioned:
    """Return who asked, for what, about which time."""
    letter = request.commission
    return {
        "number": letter.number,
        "organisation": letter.organisation,
        "region": letter.region,
        "handler": _staff(letter.handler),
        "reviewer": _staff(letter.reviewer),
        "organisation_code": letter.organisation_code,
        "level": letter.level,
        "client_reference": request.client_reference,
        "purpose": request.purpose.value,
        "trigger": request.trigger.value,
        "income_first": request.income_period.first,
        "income_last": request.income_period.last,
        "expenditure_first": request.spending_period.first,
        "expenditure_last": request.spending_period.last,
        "asset_as_of": request.asset_as_of.isoformat(),
    }


def _staff(staff: Staff) -> Person:
    return {"staff_id": staff.staff_id, "name": staff.name}


def household(request: VerificationRequest, merged: Merged) -> HouseholdSection:
    """Return the persons in three groups: counted, supporters (赡抚扶养人), and the rest with the reason."""
    members = request.household.members
    return {
        "mode": request.household.mode,
        "beneficiary": request.household.beneficiary,
        "ground": value_of(request.household.ground),
        "head": request.household.head,
        "hukou_region": request.household.hukou_region,
        "residence_region": request.household.residence_region,
        "housing_nature": value_of(request.household.housing_nature),
        "hukou": request.household.hukou,
        "counted_persons": len(merged.counted),
        "members": [_member(m) for m in members if m.counted],
        "supporters": [_member(m) for m in members if not m.counted and m.role is Role.SUPPORTER],
        "not_counted": [_member(m) for m in members if not m.counted and m.role is not Role.SUPPORTER],
    }


def _member(member: Member) -> MemberLine:
    return {
        "ref": member.ref,
        "name": member.name,
        "former_names": list(member.former_names),
        "id_number": member.id_number.reveal(),
        "role": member.role.value,
        "relation": member.relation,
        "counted": member.counted,
        "excluded": value_of(member.excluded),
        "returned": value_of(member.returned),
        "belonging": value_of(member.belonging),
        "died_on": maybe_day(member.died_on),
        "marital": value_of(member.marital),
        "occupation": value_of(member.occupation),
        "student": member.student,
        "labour": value_of(member.labour),
        "capacity": member.capacity.value,
        "hukou_region": member.hukou_region,
        "disability_type": value_of(member.disability_type),
        "disability_level": member.disability_level,
        "serious_disease": member.serious_disease,
    }


def value_of(code: StrEnum | None) -> str | None:
    return None if code is None else code.value
