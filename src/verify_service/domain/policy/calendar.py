"""Working days: Monday to Friday, less the statutory holidays, plus the weekend days worked in exchange (调休).

Both lists come from the State Council's yearly notice. A year whose notice is not listed has only its weekends off. The stock
exchanges are shut on every weekend, those worked in exchange too.
"""

from datetime import date, timedelta

from pydantic import Field

from verify_service.domain.policy.base import Pack

_SATURDAY = 5


class Calendar(Pack):
    """The statutory days of some years, as the notices list them."""

    holidays: frozenset[date] = Field(default=frozenset())
    working_weekends: frozenset[date] = Field(default=frozenset())

    def is_working(self, day: date) -> bool:
        """Say whether offices work on that day."""
        return day in self.working_weekends or (day.weekday() < _SATURDAY and day not in self.holidays)

    def is_trading(self, day: date) -> bool:
        """Say whether the stock exchanges trade on that day."""
        return day.weekday() < _SATURDAY and day not in self.holidays

    def oldest_within(self, day: date, trading_days: int) -> date:
        """Return the first day after which no more than so many trading days lie, `day` included."""
        while trading_days >= 0:
            trading_days -= self.is_trading(day)
            day -= timedelta(days=1)
        return day + timedelta(days=1)

    def after(self, day: date, working_days: int) -> date:
        """Return the day on which so many working days have passed after `day`, which itself does not count."""
        while working_days > 0:
            day += timedelta(days=1)
            working_days -= self.is_working(day)
        return day
