"""When a register is open: its hours, on the working days of its province (policies/, 节假日 and 调休)."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta, timezone

from verify_service.domain.policy import Calendar
from verify_service.errors import ConfigurationError
from verify_service.sources.definition import Hours

CHINA = timezone(timedelta(hours=8))
_FURTHEST_DAYS = 400


class ServiceHours:
    """One register's hours. No hours: always open."""

    def __init__(self, hours: Sequence[Hours], calendar: Calendar) -> None:
        self._hours = hours
        self._calendar = calendar
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
        for day in (today + timedelta(days=n) for n in range(_FURTHEST_DAYS)):
            following = [(opens, closes) for opens, closes in self._on(day) if closes > now]
            if following:
                return min(following)
        raise ConfigurationError("the register's hours never come")

    def _on(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        for hours in self._hours:
            if hours.days == "all" or self._calendar.is_working(day):
                last = day if hours.closes != time(0) else day + timedelta(days=1)
                yield datetime.combine(day, hours.opens, CHINA), datetime.combine(last, hours.closes, CHINA)
