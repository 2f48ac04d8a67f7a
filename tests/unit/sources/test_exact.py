"""Exact values: what is read, and every near miss that must not be."""

from datetime import date
from typing import Annotated, Any, Literal

import pytest
from pydantic import TypeAdapter, ValidationError

from verify_service.sources.exact import Count, Day, Flag, SquareMetres, TenThousandYuan, Whole, YearMonth, Yuan, coded

State = Annotated[Literal["filed"], coded({"1": "filed"})]


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (Yuan, "0.00", 0),
        (Yuan, "4494", 449400),
        (Yuan, "4494.5", 449450),
        (Yuan, "0.01", 1),
        (TenThousandYuan, "72.5", 72500000),
        (TenThousandYuan, "0.000001", 1),
        (SquareMetres, "86.40", 864000),
        (SquareMetres, "0.0001", 1),
        (Count, "0", 0),
        (Count, "230", 230),
        (Whole, "-2", -2),
        (Day, "2024-02-29", date(2024, 2, 29)),
        (YearMonth, "202610", "2026-10"),
        (Flag, "1", True),
        (Flag, "0", False),
        (State, "1", "filed"),
    ],
)
def test_reads(kind: Any, text: str, value: object):
    assert TypeAdapter(kind).validate_python(text) == value


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(
            (Yuan, bad)
            for bad in ("", " 1", "1 ", "1\n", "-1.00", "+1", "1.234", "1.", ".5", "01.00", "1,000.00", "1e3", "１", "NaN", 1, 1.5, None)
        ),
        *((Count, bad) for bad in ("", "01", "-1", "1_000", "1.0", "+1", "٣", 1, True, None)),
        *((Whole, bad) for bad in ("-0", "--1", "1.5", "", 3)),
        *((Day, bad) for bad in ("2023-02-29", "20240229", "2024-2-9", "2024-W01-1", "2024-01-01T00:00", "", 20240101, None)),
        *((YearMonth, bad) for bad in ("202613", "202600", "2026-10", "26010", "182610", 202610, None)),
        *((Flag, bad) for bad in ("2", "", "true", "Y", 1, True, None)),
        *((State, bad) for bad in ("filed", "2", "", 1, None)),
    ],
)
def test_refuses(kind: Any, value: object):
    with pytest.raises(ValidationError):
        TypeAdapter(kind).validate_python(value)
