"""When a register is open: hours, weekends, holidays, weekends that are worked."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from pydantic import ValidationError

from verify_service.domain.policy import Calendar, load_policies
from verify_service.errors import ConfigurationError
from verify_service.sources.definition import Hours
from verify_service.sources.policy.hours import CHINA, ServiceHours

PROVINCE = load_policies(Path(__file__).parents[4] / "policies").calendar("990100")
OFFICE = ({"opens": "08:30", "closes": "17:30"},)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=CHINA)


def opening(now: str, *hours: dict[str, str], days: Calendar = PROVINCE) -> str | None:
    """Return the next opening as text, None while open."""
    found = ServiceHours([Hours.model_validate(h) for h in hours], days).next_opening(at(now))
    return None if found is None else found.strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-11-24 08:29:59", "2026-11-24 08:30"),  # a Tuesday
        ("2026-11-24 08:30:00", None),
        ("2026-11-24 17:29:59", None),
        ("2026-11-24 17:30:00", "2026-11-25 08:30"),
        ("2026-11-27 18:00:00", "2026-11-30 08:30"),  # Friday evening
        ("2026-10-01 10:00:00", "2026-10-08 08:30"),  # 国庆节, a Thursday
        ("2026-10-07 10:00:00", "2026-10-08 08:30"),
        ("2026-10-10 10:00:00", None),  # a Saturday that is worked (调休)
        ("2026-09-20 10:00:00", None),  # a Sunday that is worked
        ("2026-09-20 18:00:00", "2026-09-21 08:30"),
        ("2026-02-13 18:00:00", "2026-02-14 08:30"),  # the Saturday before 春节 is worked
        ("2026-02-14 18:00:00", "2026-02-24 08:30"),  # then nine days off
        ("2026-10-17 10:00:00", "2026-10-19 08:30"),  # a Saturday like any other
        ("2025-12-31 18:00:00", "2026-01-04 08:30"),  # 元旦, then a Sunday that is worked
        ("2031-10-01 10:00:00", None),  # a year that the pack does not know: Monday to Friday
    ],
)
def test_office_hours_on_working_days(now: str, expected: str | None) -> None:
    assert opening(now, *OFFICE) == expected


def test_two_stretches_a_day() -> None:
    hours = ({"opens": "08:30", "closes": "12:00"}, {"opens": "13:30", "closes": "17:30"})
    assert opening("2026-11-24 12:30", *hours) == "2026-11-24 13:30"
    assert opening("2026-11-24 13:30", *hours) is None


def test_night_hours_are_two_entries() -> None:
    night = ({"opens": "22:00", "closes": "00:00", "days": "all"}, {"opens": "00:00", "closes": "06:00", "days": "all"})
    assert opening("2026-10-03 23:59:59", *night) is None
    assert opening("2026-10-04 00:00:00", *night) is None
    assert opening("2026-10-04 06:00:00", *night) == "2026-10-04 22:00"
    with pytest.raises(ValidationError, match="two entries"):
        Hours.model_validate({"opens": "22:00", "closes": "06:00"})


def test_no_hours_is_always_open() -> None:
    assert opening("2026-10-01 03:00") is None


def test_what_was_looked_up_does_not_outlive_its_hours() -> None:
    hours = ServiceHours([Hours.model_validate(OFFICE[0])], PROVINCE)
    assert hours.next_opening(at("2026-11-24 10:00")) is None
    assert hours.next_opening(at("2026-11-24 17:30")) == at("2026-11-25 08:30")
    assert hours.next_opening(at("2026-11-25 08:30")) is None
    assert hours.next_opening(at("2026-11-24 07:00")) == at("2026-11-24 08:30")  # a clock that was set back


def test_hours_that_never_come_are_refused() -> None:
    off = Calendar(holidays=frozenset(at("2026-01-01").date() + timedelta(days=n) for n in range(1200)))
    with pytest.raises(ConfigurationError):
        opening("2026-11-24 10:00", *OFFICE, days=off)


def test_where_no_pack_knows_the_province_only_weekends_are_off() -> None:
    elsewhere = load_policies(Path(__file__).parents[4] / "policies").calendar("110000")
    assert opening("2026-10-01 10:00", *OFFICE, days=elsewhere) is None
    assert opening("2026-10-03 10:00", *OFFICE, days=elsewhere) == "2026-10-05 08:30"
