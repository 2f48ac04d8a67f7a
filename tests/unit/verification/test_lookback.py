from datetime import date

import pytest

from verify_service.verification.findings.ownership import lookback


@pytest.mark.parametrize(
    ("day", "months", "first"),
    [
        (date(2026, 11, 20), 12, date(2025, 11, 20)),
        (date(2026, 1, 31), 1, date(2025, 12, 31)),
        (date(2026, 3, 31), 1, date(2026, 2, 28)),
        (date(2028, 2, 29), 12, date(2027, 2, 28)),
        (date(2026, 12, 31), 6, date(2026, 6, 30)),
    ],
)
def test_lookback(day: date, months: int, first: date) -> None:
    assert lookback(day, months) == first
