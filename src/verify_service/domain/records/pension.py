"""Social insurance: contributions made, and benefits drawn (人社)."""

from datetime import date
from typing import Literal

from pydantic import Field

from verify_service.domain.records.base import BaseRecord, Fen, Frozen, Month, Text

InsuranceType = Literal["110", "120", "170", "210", "310", "390", "410", "510"]


class SocialContribution(BaseRecord):
    """One insurance of one person in one pooling region. Key: (type, region, month) (M4).

    insurance_type: 110 employee pension, 120 civil-service pension, 170 resident pension, 210 unemployment,
    310 employee medical, 390 resident medical, 410 injury, 510 maternity. A flexible self-paid base is not a wage (M17).
    """

    kind: Literal["contribution"] = "contribution"
    insurance_type: InsuranceType
    person_category: Literal["employee", "flexible", "resident"]
    unit_name: Text | None = None
    unit_uscc: str | None = Field(default=None, pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")
    joined: date
    state: Literal["insured", "paused", "ended"]
    month: Month
    base_fen: Fen
    personal_fen: Fen
    unit_fen: Fen
    arrears_fen: Fen = 0
    last_paid_month: Month
    months_total: int = Field(ge=0, le=1200)
    prior_year_monthly_income_fen: Fen | None = None
    region: str = Field(pattern=r"^[0-9]{6}$")
    base_at_floor: bool = False


class BenefitSplit(Frozen):
    """How a monthly pension is made up; the basic part of a resident pension is exempt (M19)."""

    basic_fen: Fen = 0
    personal_account_fen: Fen = 0
    transitional_fen: Fen = 0
    increase_fen: Fen = 0
    subsidy_fen: Fen = 0


class PensionBenefit(BaseRecord):
    """One benefit being drawn, paused or ended. A one-off back payment is not monthly income."""

    kind: Literal["benefit"] = "benefit"
    benefit_type: Literal["employee_pension", "civil_service_pension", "resident_pension", "survivor", "unemployment", "injury"]
    retired: date | None = None
    first_paid_month: Month
    monthly_fen: Fen
    split: BenefitSplit | None = None
    payment_state: Literal["normal", "paused", "ended"]
    pause_reason: Text | None = None
    last_paid_month: Month
    paid_this_year_fen: Fen | None = None
    bank: Text | None = None
    last_alive_check: date | None = None
    death_stop: date | None = None
    region: str = Field(pattern=r"^[0-9]{6}$")
    back_pay_fen: Fen = 0
