"""What the makers of facts know of a person before they draw any, and the days and months they count in."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from verify_service.sandbox.population.people import Place
from verify_service.sandbox.population.stream import DigestStream


@dataclass(frozen=True, slots=True)
class Subject:
    """One person on one day. `hits` multiplies the chance of vehicles, homes, securities, companies and fund accounts."""

    seed: int
    as_of: date
    hits: int
    id_number: str
    place: Place
    birth: date
    members: tuple[str, ...]

    @property
    def age(self) -> int:
        """Return the age in whole years."""
        return age_on(self.birth, self.as_of)

    @property
    def sex(self) -> Literal["male", "female"]:
        """Return the sex in the number: an odd sequence is male."""
        return "male" if int(self.id_number[16]) % 2 else "female"

    @property
    def region(self) -> str:
        """Return the region in the number."""
        return self.place.region

    def stream(self, kind: str) -> DigestStream:
        """Return the stream of one kind of fact about this person."""
        return DigestStream(self.seed, kind, self.id_number)


def birth_of(id_number: str) -> date:
    """Return the birth date in a number."""
    return date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14]))


def age_on(birth: date, day: date) -> int:
    """Return the age in whole years on a day."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


def month_back(day: date, months: int) -> str:
    """Return the month some months before that of a day, YYYY-MM."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    return f"{year}-{month + 1:02d}"


def at_rate(amount: int, basis_points: int) -> int:
    """Return amount x rate, the rate in basis points, rounded half up."""
    return (amount * basis_points + 5_000) // 10_000


def yuan(amount: int) -> int:
    """Return whole yuan in fen."""
    return amount * 100
