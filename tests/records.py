"""Records as registers give them, in domain words: `car(status_letters="E")`. Each builder is the plainest case; fields change it."""

from datetime import date
from typing import Any

from verify_service.domain.identity import IdNumber
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

AS_OF = date(2026, 11, 19)
EMPLOYER = "91990101MA0000001X"
CURRENT, HISTORIC, CANCELLED = RecordStatus.CURRENT, RecordStatus.HISTORIC, RecordStatus.CANCELLED


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
