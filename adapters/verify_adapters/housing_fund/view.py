"""The view `v_housing_fund` as it is asked and as its rows are: columns, row types, codes.

One statement gives everything. Every person asked for has one control row (`person`) that says how the front-end stands
to her and how many rows follow; the others are her accounts and, tied to an account, its loans and withdrawals.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from verify_service.domain.records.base import Text
from verify_service.sources.exact import Count, Day, Flag, YearMonth, Yuan
from verify_service.sources.reading import WireModel

Masked = Annotated[str, Field(pattern=r"^[0-9]{1,6}\*+[0-9]{1,4}$")]
Percent = Yuan  # two decimals: percent to basis points, as yuan to fen


class Row(WireModel):
    """What every row has: its type and the number that was asked for."""

    sfzh: Text


class PersonRow(Row):
    """The control row. `xm` is the registered name, `zjhm` the number as registered, `sjsd` the day of the last refresh."""

    zjhm: Text | None
    xm: Text | None
    cxzt: Literal["0", "2", "3", "4", "5", "6"]
    sjbz: Flag
    zhts: Count
    sjsd: Day


class TiedRow(Row):
    """A row of one account: centre and masked account number."""

    zxbm: Text
    grzh: Masked


class AccountRow(TiedRow):
    """One account. Amounts in yuan, rates in percent, with two decimals; `dkts` and `tqts` count its loans and withdrawals."""

    zxmc: Text
    zgnm: Text
    dwbm: Text
    dwmc: Text
    tyxydm: Text | None
    zhzt: Literal["01", "02", "03", "04"]
    hjzt: Literal["1", "2", "3"]
    khrq: Day
    xhrq: Day | None
    jcjs: Yuan
    grjcbl: Percent
    dwjcbl: Percent
    gryjce: Yuan
    dwyjce: Yuan
    yjcehj: Yuan
    mcjny: YearMonth
    zhye: Yuan
    yerq: Day
    djje: Yuan
    bcje: Yuan
    dkts: Count
    tqts: Count


class LoanRow(TiedRow):
    """A loan of the fund."""

    dkyh: Text
    dkje: Yuan
    dkqx: Count
    ffrq: Day
    yhke: Yuan
    dkye: Yuan
    dkzt: Literal["1", "2", "3"]
    fwdz: Text | None


class WithdrawalRow(TiedRow):
    """Money taken out."""

    tqrq: Day
    tqje: Yuan
    tqyy: Literal["01", "02", "03", "04", "05", "06", "99"]


ROW_TYPES: dict[str, type[Row]] = {"person": PersonRow, "account": AccountRow, "loan": LoanRow, "withdrawal": WithdrawalRow}
PERSON: TypeAdapter[PersonRow] = TypeAdapter(PersonRow)
ACCOUNTS: TypeAdapter[list[AccountRow]] = TypeAdapter(list[AccountRow])
LOANS: TypeAdapter[list[LoanRow]] = TypeAdapter(list[LoanRow])
WITHDRAWALS: TypeAdapter[list[WithdrawalRow]] = TypeAdapter(list[WithdrawalRow])

COLUMNS = ("row_type", *dict.fromkeys(name for model in ROW_TYPES.values() for name in model.model_fields))

# The asked number comes from the list and not from the view, so a person whom the view lacks is a row full of nulls and not silence.
_SELECTED = ", ".join("a.sfzh" if name == "sfzh" else f"v.{name}" for name in COLUMNS)
STATEMENT = f"SELECT {_SELECTED} FROM unnest(%(ids)s::text[]) AS a (sfzh) LEFT JOIN v_housing_fund AS v ON v.sfzh = a.sfzh"  # noqa: S608
