"""The register's answer as it is on the wire. Amounts are yuan with two decimals as text, months are YYYYMM."""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from verify_service.domain.records.base import Text
from verify_service.domain.records.pension import InsuranceType
from verify_service.sources.exact import Day, YearMonth, Yuan, coded
from verify_service.sources.reading import WireModel

Region = Annotated[str, Field(pattern=r"^[0-9]{6}$")]
Category = Annotated[Literal["employee", "flexible", "resident"], coded({"1": "employee", "2": "flexible", "3": "resident"})]
InsuredState = Annotated[Literal["insured", "paused", "ended"], coded({"1": "insured", "2": "paused", "3": "ended"})]
PaymentState = Annotated[Literal["normal", "paused", "ended"], coded({"1": "normal", "2": "paused", "3": "ended"})]
BenefitType = Annotated[
    Literal["employee_pension", "civil_service_pension", "resident_pension", "survivor", "unemployment", "injury"],
    coded(
        {
            "A1": "employee_pension",
            "A2": "civil_service_pension",
            "A3": "resident_pension",
            "B1": "survivor",
            "C1": "unemployment",
            "D1": "injury",
        }
    ),
]


class Unit(WireModel):
    """Who contributes beside the person."""

    name: Text
    uscc: str = Field(pattern=r"^[0-9A-HJ-NPQRTUWXY]{18}$")


class Contribution(WireModel):
    """One entry of one insurance in one month. A supplement (entry_kind 2) adds to the month it corrects.

    `unit` is null for those who pay by themselves; `prior_year_monthly_income` is null where none was declared.
    """

    type: Literal["Contribution"] = Field(alias="@type")
    entry_no: Text
    entry_kind: Literal["1", "2"]
    ssn: str = Field(repr=False)
    insurance_type: InsuranceType
    person_category: Category
    unit: Unit | None
    join_date: Day
    insured_state: InsuredState
    month: YearMonth
    base: Yuan
    personal_amount: Yuan
    unit_amount: Yuan
    arrears: Yuan
    last_paid_month: YearMonth
    months_total: int = Field(ge=0, le=1200)
    prior_year_monthly_income: Yuan | None
    pooling_region: Region
    base_at_floor: bool


class Split(WireModel):
    """The parts of a monthly benefit."""

    basic: Yuan
    personal_account: Yuan
    transitional: Yuan
    increase: Yuan
    subsidy: Yuan


class Benefit(WireModel):
    """One benefit. `split` is left out by the counties whose files do not hold it; `back_pay` is paid once."""

    type: Literal["Benefit"] = Field(alias="@type")
    entry_no: Text
    ssn: str = Field(repr=False)
    benefit_type: BenefitType
    retire_date: Day | None
    first_paid_month: YearMonth
    monthly_amount: Yuan
    split: Split | None = None
    payment_state: PaymentState
    pause_reason: Text | None
    last_paid_month: YearMonth
    paid_this_year: Yuan | None
    bank: Text | None
    last_alive_check: Day | None
    death_stop_date: Day | None
    pooling_region: Region
    back_pay: Yuan


class Identifier(WireModel):
    """The number under which the register holds the person."""

    identifier_type: Literal["GB11643"]
    identifier_value: str = Field(repr=False)


class InsuredPerson(WireModel):
    """Whom the register found; both are checked against the question."""

    identifier: list[Identifier] = Field(min_length=1, max_length=1)
    name: str = Field(repr=False)


class Data(WireModel):
    """What was found. `has_records` false beside an empty list is the register's explicit "none"."""

    reg_type: Literal["ns:cn:RegistryType:SocialInsurance"]
    reg_record_type: Literal["InsuredPerson"]
    person: InsuredPerson
    as_of: Day
    has_records: bool
    record_count: int = Field(ge=0)
    reg_records: list[Annotated[Contribution | Benefit, Field(discriminator="type")]]


class Found(WireModel):
    """One person's answer. It has one page by contract, so a pagination is refused rather than half read."""

    reference_id: str
    timestamp: str | None = None
    status: Literal["succ", "rjct", "pdng", "rcvd"]
    status_reason_code: str | None = Field(default=None, max_length=64)
    status_reason_message: str | None = Field(default=None, repr=False)
    data: Data | None = None
    pagination: None = None
    locale: str | None = None


class Header(WireModel):
    """The envelope's header. `message_id` is that of the request; both counts are numbers of people."""

    version: Literal["1.0.0"]
    message_id: str
    message_ts: str
    sender_id: str
    receiver_id: str
    action: Literal["search"]
    status: Literal["succ", "rjct", "pdng", "rcvd"]
    status_reason_code: str | None = Field(default=None, max_length=64)
    status_reason_message: str | None = Field(default=None, repr=False)
    total_count: int
    completed_count: int
    is_msg_encrypted: Literal[False]


class Message(WireModel):
    """The people's answers, under the transaction of the request."""

    transaction_id: str
    correlation_id: str
    search_response: list[Found]


class Envelope(WireModel):
    """The whole answer. `signature` is optional and not relied upon (see source.toml)."""

    signature: str | None = Field(default=None, repr=False)
    header: Header
    message: Message


ENVELOPE: TypeAdapter[Envelope] = TypeAdapter(Envelope)
