"""When a register is open: its hours, on working days of the calendar.

A working day is Monday to Friday, unless the calendar calls it a holiday (节假日), and a weekend day that the calendar
calls a working day (调休). The dates are data: `working_days.toml`, or a deployment's own file. A year that the file does
not know has no holidays, so a register may then be asked on a day on which it is closed.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, timezone
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from verify_service.errors import ConfigurationError
from verify_service.sources.definition import Facts, Hours

CHINA = timezone(timedelta(hours=8))
_SATURDAY = 5
_FURTHEST_DAYS = 400


class Year(Facts):
    """One year's arrangement: holidays as first and last day, and the weekend days that are worked."""

    holidays: tuple[tuple[date, date], ...]
    working: tuple[date, ...]


_YEARS: TypeAdapter[dict[int, Year]] = TypeAdapter(dict[int, Year])


@dataclass(frozen=True, slots=True)
class WorkingDays:
    """The calendar's exceptions from Monday to Friday."""

    holidays: frozenset[date] = frozenset()
    working: frozenset[date] = frozenset()

    def __contains__(self, day: date) -> bool:
        """Say whether the day is a working day."""
        return day in self.working or (day.weekday() < _SATURDAY and day not in self.holidays)


def load_working_days(file: Traversable | Path) -> WorkingDays:
    """Read a calendar file. Raises ConfigurationError naming file and rule."""
    try:
        years = _YEARS.validate_python(tomllib.loads(file.read_text(encoding="utf-8"))).values()
    except (OSError, tomllib.TOMLDecodeError, ValidationError) as error:
        raise ConfigurationError(f"{file}: {error}") from error
    holidays = {day for year in years for first, last in year.holidays for day in _days(first, last)}
    return WorkingDays(frozenset(holidays), frozenset(day for year in years for day in year.working))


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


@cache
def shipped_working_days() -> WorkingDays:
    """Return the calendar that comes with the service."""
    return load_working_days(files(__package__) / "working_days.toml")


class ServiceHours:
    """One register's hours. No hours: always open."""

    def __init__(self, hours: Sequence[Hours], working_days: WorkingDays) -> None:
        self._hours = hours
        self._working_days = working_days
        self._looked: tuple[datetime, datetime] | None = None  # the last look holds between these
        self._opening: datetime | None = None

    def next_opening(self, now: datetime) -> datetime | None:
        """Return when the register opens, None while it is open. Raises ConfigurationError if it never does."""
        if self._hours and (self._looked is None or not self._looked[0] <= now < self._looked[1]):
            opens, closes = self._following(now)
            self._opening, until = (None, closes) if opens <= now else (opens, opens)
            self._looked = now, until
        return self._opening

    def _following(self, now: datetime) -> tuple[datetime, datetime]:
        """Return the first opening that has not ended."""
        today = now.astimezone(CHINA).date()
        for day in _days(today, today + timedelta(days=_FURTHEST_DAYS)):
            following = [(opens, closes) for opens, closes in self._on(day) if closes > now]
            if following:
                return min(following)
        raise ConfigurationError("the register's hours never come")

    def _on(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        for hours in self._hours:
            if hours.days == "all" or day in self._working_days:
                last = day if hours.closes != time(0) else day + timedelta(days=1)
                yield datetime.combine(day, hours.opens, CHINA), datetime.combine(last, hours.closes, CHINA)
