"""Exact reading of the texts in which registers print amounts, rates, days and codes. Anything unusual is a ValueError.

Use with pydantic: `Annotated[int, BeforeValidator(fen)]`. No float is involved anywhere; no message holds the text.
"""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import TypeVar

T = TypeVar("T")

_TWO_DECIMALS = re.compile(r"(?:0|[1-9][0-9]{0,12})\.[0-9]{2}", re.ASCII)
_COMPACT_DAY = re.compile(r"[0-9]{8}", re.ASCII)
_COMPACT_MONTH = re.compile(r"[0-9]{6}", re.ASCII)
_COUNT = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)


def hundredths(text: object) -> int:
    """Read "1234.50" as 123450: yuan to fen, or percent to basis points."""
    return int(_matching(_TWO_DECIMALS, text, "two decimals").replace(".", ""))


def compact_day(text: object) -> date:
    """Read "20261124"."""
    return date.fromisoformat(_matching(_COMPACT_DAY, text, "YYYYMMDD"))


def compact_month(text: object) -> str:
    """Read "202611" as "2026-11"; the record type checks the month."""
    found = _matching(_COMPACT_MONTH, text, "YYYYMM")
    return f"{found[:4]}-{found[4:]}"


def count(text: object) -> int:
    """Read a count without sign, leading zeros or more than 15 digits."""
    return int(_matching(_COUNT, text, "a count"))


def optional(read: Callable[[object], T]) -> Callable[[object], T | None]:
    """Return a reader that takes an empty or missing text as None: only for fields that the contract lets be absent."""
    return lambda text: None if text is None or text == "" else read(text)  # noqa: PLC1901 (0 and False are not "absent")


def coded(table: Mapping[str, T]) -> Callable[[object], T]:
    """Return a reader of a code table; an unknown code is a ValueError."""

    def read(text: object) -> T:
        if not isinstance(text, str) or text not in table:
            raise ValueError("unknown code")
        return table[text]

    return read


def _matching(pattern: re.Pattern[str], text: object, shape: str) -> str:
    if not isinstance(text, str) or not pattern.fullmatch(text):
        raise ValueError(f"not {shape}")
    return text
