"""Exact values from a register's text, as field types of a WireModel: never a float, never a guess, never a lax form.

    building_area: SquareMetres          "86.40"      -> 864000 (cm2)
    base: Yuan                           "4494.00"    -> 449400 (fen)
    price: TenThousandYuan               "72.500000"  -> 72500000 (fen)
    registered: Day                      "2019-05-06" -> date(2019, 5, 6)
    month: YearMonth                     "202610"     -> "2026-10"
    row_count: Count                     "230"        -> 230
    mortgaged: Flag                      "1"          -> True
    state: Annotated[Literal["filed"], coded({"1": "filed"})]

A text that is written in any other way is a validation error, hence invalid.schema.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Annotated

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError

_COUNT = re.compile(r"0|[1-9][0-9]{0,8}", re.ASCII)
_SIGNED = re.compile(r"0|-?[1-9][0-9]{0,8}", re.ASCII)
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_YEAR_MONTH = re.compile(r"((?:19|20|21)[0-9]{2})(0[1-9]|1[0-2])", re.ASCII)
_FLAGS = {"0": False, "1": True}


def scaled(places: int) -> Callable[[object], int]:
    """Return a reader of a plain decimal with at most `places` decimals; its unit is the last of them."""
    shape = re.compile(rf"(0|[1-9][0-9]{{0,12}})(?:\.([0-9]{{1,{places}}}))?", re.ASCII)

    def read(value: object) -> int:
        found = shape.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise PydanticCustomError("plain_decimal", "a plain decimal with at most {places} decimals", {"places": places})
        return int(found[1] + (found[2] or "").ljust(places, "0"))

    return read


def _whole(shape: re.Pattern[str]) -> Callable[[object], int]:
    def read(value: object) -> int:
        if not isinstance(value, str) or not shape.fullmatch(value):
            raise PydanticCustomError("whole_number", "a whole number")
        return int(value)

    return read


def _day(value: object) -> date:
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day", "a day YYYY-MM-DD")
    return date.fromisoformat(value)


def _year_month(value: object) -> str:
    found = _YEAR_MONTH.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        raise PydanticCustomError("year_month", "a month YYYYMM")
    return f"{found[1]}-{found[2]}"


def _flag(value: object) -> bool:
    if not isinstance(value, str) or value not in _FLAGS:
        raise PydanticCustomError("flag", "0 or 1")
    return _FLAGS[value]


def coded(table: Mapping[str, str]) -> BeforeValidator:
    """Return the reader of a code table; a code that is not in it is a validation error."""

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in table:
            raise PydanticCustomError("unknown_code", "a code of the table")
        return table[value]

    return BeforeValidator(read)


Yuan = Annotated[int, BeforeValidator(scaled(2))]
TenThousandYuan = Annotated[int, BeforeValidator(scaled(6))]
SquareMetres = Annotated[int, BeforeValidator(scaled(4))]
Count = Annotated[int, BeforeValidator(_whole(_COUNT))]
Whole = Annotated[int, BeforeValidator(_whole(_SIGNED))]
Day = Annotated[date, BeforeValidator(_day)]
YearMonth = Annotated[str, BeforeValidator(_year_month)]
Flag = Annotated[bool, BeforeValidator(_flag)]
