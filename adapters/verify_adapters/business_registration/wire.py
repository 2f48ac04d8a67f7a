"""The market entity register's messages as they are on the wire (contract 1.0).

    {"total": n, "persons": [
      {"seq": place in the request, "idNumber": …, "name": …, "result": "FOUND", "matchedBy": "ID_NUMBER",
       "dataDate": day, "roleCount": n, "roles": [row]}]}

Every key but nameBorrowClaimedOn is there; what the register does not hold is null. Capital is in units of 10,000 yuan (万元)
as decimal text, and says so: a row in any other unit is damage, never a company ten thousand times too rich.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from verify_service.sources.exact import Day, Flag, TenThousandYuan
from verify_service.sources.reading import WireModel

Text = Annotated[str, Field(min_length=1, max_length=512)]
Currency = Literal["156", "344", "392", "410", "702", "826", "840", "901", "978"]

Fraction = Annotated[str, Field(pattern=r"^[1-9][0-9]{0,8}/[1-9][0-9]{0,8}$")]


class Contribution(WireModel):
    """认缴 and 实缴 of an investor; `share` is a fraction such as "3/5"."""

    subscribed: TenThousandYuan
    paidIn: TenThousandYuan | None  # noqa: N815 - the register's spelling
    unit: Literal["万元"]
    currency: Currency
    share: Fraction | None
    due: Day | None


class Row(WireModel):
    """One role in one entity. entType: 1100 company, 4530 partnership, 4540 sole proprietorship, 9100 cooperative, 9500 sole trader."""

    uscc: str | None
    regNo: Text | None  # noqa: N815
    entName: Text  # noqa: N815
    entType: Literal["1100", "4530", "4540", "9100", "9500"]  # noqa: N815
    personRole: Literal["LEGAL_REP", "INVESTOR", "EXECUTIVE", "SOLE_TRADER", "COOP_MEMBER"]  # noqa: N815
    position: Text | None
    regCapital: TenThousandYuan | None  # noqa: N815
    regCapitalUnit: Literal["万元"]  # noqa: N815
    currency: Currency
    contribution: Contribution | None
    establishedOn: Day  # noqa: N815
    approvedOn: Day | None  # noqa: N815
    termFrom: Day | None  # noqa: N815
    termTo: Day | None  # noqa: N815
    regState: Literal["1", "2", "3", "4", "5", "6"]  # noqa: N815
    stateSince: Day | None  # noqa: N815
    regAuthority: Text  # noqa: N815
    address: Text | None
    scope: Text | None
    industry: Text | None
    annualReportYear: Annotated[int, Field(ge=1990, le=2200)] | None  # noqa: N815
    employees: Annotated[int, Field(ge=0, le=10**7)] | None
    abnormalList: Flag  # noqa: N815
    equityFrozen: Flag  # noqa: N815
    nameBorrowClaim: Flag  # noqa: N815
    nameBorrowClaimedOn: Day | None = None  # noqa: N815


class Person(WireModel):
    """What is registered about one person. A match by the name alone may be somebody else's company."""

    seq: int
    idNumber: str  # noqa: N815
    name: str
    result: Literal["FOUND", "NONE", "PERSON_NOT_FOUND", "NAME_MISMATCH", "NOT_DISCLOSED", "REGION_NOT_CONNECTED"]
    matchedBy: Literal["ID_NUMBER", "NAME"]  # noqa: N815
    dataDate: Day  # noqa: N815
    roleCount: Annotated[int, Field(ge=0)]  # noqa: N815
    roles: list[object]


class Reply(WireModel):
    """The envelope."""

    total: int
    persons: list[Person]


REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)
ROWS: TypeAdapter[list[Row]] = TypeAdapter(list[Row])
