"""Households and answers in domain words: `answers(request, father={"vehicle": [car()]}, mother={"pension": OutcomeCode.TIMEOUT})`.

Everything that is not said is the quiet case: a source that was asked and has no record. All people are invented: their
numbers begin with 99, which no place has.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

from verify_service.domain.codes import Purpose, Role
from verify_service.domain.identity import IdNumber, check_character
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question, Subject
from verify_service.domain.policy import Policies, Policy, load_policies
from verify_service.domain.records import (
    BenefitSplit,
    BusinessRole,
    ContributedCapital,
    CoOwner,
    FundAccount,
    PensionBenefit,
    RealProperty,
    Record,
    RecordStatus,
    SecuritiesTotal,
    SocialContribution,
    Vehicle,
)
from verify_service.domain.report import Report
from verify_service.domain.request import VerificationRequest
from verify_service.sources.definition import Quota, Source
from verify_service.verification.compose import Header, compose
from verify_service.verification.merge import Merged, merge

ROOT = Path(__file__).resolve().parent.parent
AS_OF = date(2026, 11, 19)
NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
EMPLOYER = "91990101MA0000001X"
CURRENT, HISTORIC, CANCELLED = RecordStatus.CURRENT, RecordStatus.HISTORIC, RecordStatus.CANCELLED
KINDS = {
    "vehicle": ("vehicle",),
    "property": ("property",),
    "securities": ("securities",),
    "business_registration": ("business",),
    "housing_fund": ("housing_fund",),
    "pension": ("contribution", "benefit"),
}
Said = Sequence[Record] | OutcomeCode


def source(name: str, kinds: tuple[str, ...] | None = None, **facts: Any) -> Source:
    """Build a register's facts."""
    given: dict[str, Any] = {
        "title": name,
        "title_zh": name,
        "authority": "示例省某厅",
        "legal_basis": "示例省社会救助条例",
        "mode": "immediate",
        "protocol": "test",
        "level": "province",
        "region": "990000",
        "contract_version": "1",
        "subjects_per_call": 10,
        "stale_after_days": 31,
        "quota": Quota(per_second=10, per_day=1000),
    }
    return Source(id=name, kinds=kinds or KINDS[name], **(given | facts))


SOURCES: Mapping[str, Source] = {name: source(name) for name in KINDS}


def id_number(birth: str = "19800101", sequence: int = 1, region: str = "990101") -> IdNumber:
    """Build an identity number that can belong to nobody."""
    body = f"{region}{birth}{sequence:03d}"
    return IdNumber.parse(body + check_character(body))


def example_request(**changes: Any) -> VerificationRequest:
    """Return examples/household.json, the household of the worked example, with top-level fields changed."""
    given = json.loads((ROOT / "examples" / "household.json").read_text(encoding="utf-8"))
    return VerificationRequest.model_validate_json(json.dumps(given | changes))


def without_income(request: VerificationRequest) -> VerificationRequest:
    """Return the request in which nobody declares any income, so that no income line is passed."""
    given = request.model_dump(mode="json")
    for member in given["household"]["members"]:
        member["declared_income"] = None
    return VerificationRequest.model_validate_json(json.dumps(given))


def with_members(request: VerificationRequest, *more: dict[str, Any]) -> VerificationRequest:
    """Return the request with persons added to the household."""
    given = request.model_dump(mode="json")
    given["household"]["members"] += more
    return VerificationRequest.model_validate_json(json.dumps(given))


def person(ref: str, sequence: int, role: Role = Role.MEMBER, **fields: Any) -> dict[str, Any]:
    """Return one more person for `with_members`."""
    number = id_number(sequence=sequence).reveal()
    return {"ref": ref, "id_number": number, "name": f"示例·{ref}", "role": role.value, "relation": "70"} | fields


@cache
def policies() -> Policies:
    """Return the shipped packs, read once."""
    return load_policies(ROOT / "policies")


def policy(region: str = "990101", purpose: str = "01", day: date = AS_OF) -> Policy:
    """Return the shipped rules for one region."""
    return policies().in_force(region, Purpose(purpose), day)


def answers(request: VerificationRequest, sources: Iterable[str] = tuple(KINDS), **said: Mapping[str, Said]) -> list[Answer]:
    """Return one answer for every member and source; what is not said is answered with "no record"."""
    members = [member.ref for member in request.household.members]
    return [answer(request, ref, name, said.get(ref, {}).get(name, ())) for ref in members for name in sources]


def answer(request: VerificationRequest, ref: str, name: str, said: Said = (), **outcome: Any) -> Answer:
    """Return one answer: records, "no record" when there are none, or another outcome."""
    member = next(m for m in request.household.members if m.ref == ref)
    code = said if isinstance(said, OutcomeCode) else OutcomeCode.RECORDS if said else OutcomeCode.NO_RECORD
    digest = (f"{sum(f'{ref}:{name}'.encode()):x}" * 64)[:64]
    given = Outcome(code, attempts=1, asked_at=NOW, answered_at=NOW, as_of=AS_OF, answer_digests=(digest,))
    question = Question(
        id=f"{ref}:{name}",
        member=ref,
        subject=Subject(member.id_number, member.name),
        source=name,
        tenant="test",
        purpose=request.purpose.value,
        consent="SQ-1",
        income_from=request.income_period.first,
        income_to=request.income_period.last,
        as_of=request.asset_as_of,
        digest=digest,
    )
    return Answer(question, replace(given, **outcome), () if isinstance(said, OutcomeCode) else tuple(said))


def merged(request: VerificationRequest, given: Sequence[Answer], sources: Mapping[str, Source] = SOURCES) -> Merged:
    """Merge under the shipped rules of the request's region."""
    return merge(request, given, policy=policy(request.region, request.purpose.value), sources=sources)


HEADER = Header(
    report_id="01900000-0000-7000-8000-000000000001",
    verification_id="01900000-0000-7000-8000-000000000002",
    version=1,
    issued_at=NOW,
    issuer="示例省核对中心",
    valid_until=date(2027, 2, 22),
)


def report(
    request: VerificationRequest, given: Sequence[Answer], header: Header = HEADER, sources: Mapping[str, Source] = SOURCES
) -> Report:
    """Merge and compose under the shipped rules of the request's region."""
    rules = policy(request.region, request.purpose.value)
    whole = merge(request, given, policy=rules, sources=sources)
    return compose(request, whole, header=header, policy=rules, sources=sources)


# ---------------------------------------------------------------- records


def car(vin: str | None = "LSVAA49J132047371", **fields: Any) -> Vehicle:
    """Build a private car in normal state."""
    given: dict[str, Any] = {
        "source_key": vin or "plate",
        "status": CURRENT,
        "plate_type": "02",
        "plate_no": "示A10001",
        "vin": vin,
        "brand": "示例牌",
        "model": "SL7000",
        "vehicle_type": "K33",
        "use_nature": "A",
        "status_letters": "A",
        "ownership": "person",
        "first_registered": date(2019, 5, 6),
        "displacement_ml": 1498,
        "fuel": "A",
        "mortgaged": False,
        "seized": False,
        "issuing_office": "示A",
    }
    return Vehicle(**(given | fields))


def home(unit: str | None = "990101001001GB00001F00010001", **fields: Any) -> RealProperty:
    """Build a flat of 86.4 m2, owned alone."""
    given: dict[str, Any] = {
        "source_key": unit or "row",
        "status": CURRENT,
        "unit_code": unit,
        "certificate_type": "real_property_certificate",
        "right_type": "ownership",
        "location": "示例一市甲区样板路1号",
        "building_area_cm2": 864_000,
        "planned_use": "residence",
        "co_ownership": "sole",
        "co_owners_known": True,
        "registered": date(2012, 3, 4),
        "registration_reason": "purchase",
        "mortgaged": False,
        "seized": False,
        "registry_office": "示例一市不动产登记中心",
        "region": "990101",
        "residential": True,
    }
    return RealProperty(**(given | fields))


def joint_home(owner: IdNumber | None, name: str = "李示例", **fields: Any) -> RealProperty:
    """Build the same flat, owned jointly with one other person."""
    return home(co_ownership="joint", co_owners=(CoOwner(name=name, id_number=owner),), **fields)


def shares(value_fen: int, account: str = "A***1", **fields: Any) -> SecuritiesTotal:
    """Build one securities account with listed shares of this value."""
    given: dict[str, Any] = {
        "source_key": account,
        "status": CURRENT,
        "one_code_masked": "1800***01",
        "account_masked": account,
        "market": "shanghai",
        "account_class": "a_share",
        "opened": True,
        "account_state": "normal",
        "custodian": "示例证券",
        "stock_value_fen": value_fen,
        "neeq_shares": 0,
        "neeq_value_fen": 0,
        "fund_value_fen": 0,
        "bond_value_fen": 0,
        "price_date": AS_OF,
        "query_date": AS_OF,
        "result_flag": "1",
    }
    return SecuritiesTotal(**(given | fields))


def company(role: str, subscribed_fen: int | None = None, uscc: str = "91990101MA0000002R", **fields: Any) -> BusinessRole:
    """Build one role in one company."""
    given: dict[str, Any] = {
        "source_key": f"{uscc} {role}",
        "status": CURRENT,
        "uscc": uscc,
        "name": "示例商贸有限公司",
        "entity_type": "company",
        "role": role,
        "established": date(2020, 1, 2),
        "registration_status": "active",
        "authority": "示例一市市场监督管理局",
        "contribution": None if subscribed_fen is None else ContributedCapital(subscribed_fen=subscribed_fen, paid_in_fen=0),
    }
    return BusinessRole(**(given | fields))


def fund(base_fen: int, employer: str | None = EMPLOYER, **fields: Any) -> FundAccount:
    """Build a running fund account at 5 % each."""
    personal = base_fen * 5 // 100
    given: dict[str, Any] = {
        "source_key": f"fund {employer}",
        "status": CURRENT,
        "centre_code": "990100",
        "centre_name": "示例一市住房公积金管理中心",
        "account_masked": "9901****01",
        "employee_code": "1",
        "unit_code": "U1",
        "unit_name": "示例制造有限公司",
        "unit_uscc": employer,
        "account_state": "normal",
        "remit_state": "remitting",
        "opened": date(2015, 1, 1),
        "base_fen": base_fen,
        "personal_rate_bp": 500,
        "unit_rate_bp": 500,
        "personal_monthly_fen": personal,
        "unit_monthly_fen": personal,
        "monthly_total_fen": 2 * personal,
        "last_paid_month": "2026-10",
        "balance_fen": 3_600_000,
        "balance_date": AS_OF,
    }
    return FundAccount(**(given | fields))


def contribution(kind: str, base_fen: int, rate_bp: int, employer: str | None = EMPLOYER, **fields: Any) -> SocialContribution:
    """Build one insurance of an employee whose personal part is `rate_bp` of the base."""
    given: dict[str, Any] = {
        "source_key": f"{kind} {employer}",
        "status": CURRENT,
        "insurance_type": kind,
        "person_category": "employee",
        "unit_name": "示例制造有限公司" if employer else None,
        "unit_uscc": employer,
        "joined": date(2015, 1, 1),
        "state": "insured",
        "month": "2026-10",
        "base_fen": base_fen,
        "personal_fen": base_fen * rate_bp // 10_000,
        "unit_fen": 0,
        "last_paid_month": "2026-10",
        "months_total": 140,
        "region": "990100",
    }
    return SocialContribution(**(given | fields))


def employee(base_fen: int) -> list[Record]:
    """Build the three insurances with a personal part: pension 8 %, unemployment 0.5 %, medical 2 %."""
    return [contribution("110", base_fen, 800), contribution("210", base_fen, 50), contribution("310", base_fen, 200)]


def resident_pension(monthly_fen: int = 22_800, basic_fen: int | None = 16_300, **fields: Any) -> PensionBenefit:
    """Build a resident pension with its exempt basic part."""
    given: dict[str, Any] = {
        "source_key": "benefit 1",
        "status": CURRENT,
        "benefit_type": "resident_pension",
        "first_paid_month": "2015-07",
        "monthly_fen": monthly_fen,
        "split": None if basic_fen is None else BenefitSplit(basic_fen=basic_fen, personal_account_fen=monthly_fen - basic_fen),
        "payment_state": "normal",
        "last_paid_month": "2026-10",
        "region": "990100",
    }
    return PensionBenefit(**(given | fields))


def worked_example(request: VerificationRequest, **said: Mapping[str, Said]) -> list[Answer]:
    """Return the answers of the worked example (domain reference C5), with more said about some members."""
    base: dict[str, dict[str, Said]] = {
        "father": {"housing_fund": [fund(480_000)], "pension": employee(449_400)},
        "mother": {"pension": [contribution("110", 449_400, 2000, employer=None, person_category="flexible")]},
        "grandmother": {"pension": [resident_pension()]},
    }
    return answers(request, **{m.ref: base.get(m.ref, {}) | dict(said.get(m.ref, {})) for m in request.household.members})
