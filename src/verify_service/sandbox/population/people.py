"""Who lives with whom: arithmetic between identity numbers and households, without a table.

An identity number is region, birth day and a sequence number 000-999. A small shift that depends on the sequence only is
taken from the birth day; what is left falls in one of four eras of 24 years (old, middle, adult, young) at a phase of
0 to 8,765 days. Region, phase and the sequence without its last digit name a *column*; era and last digit name one of its 40
*seats*. A plan tells which seats of a column live together: 20 households of 1 to 6 people, 2.0 on average, 18 % of them of
one person (domain reference C9), each with an adult; a child is 24 years younger than its parent, give or take three. The
last digit also gives the sex, so couples are a man and a woman.

A household index counts the households of a region: 20 for each column, columns taken in a scattered order so that
neighbouring indexes differ in every age. Nobody born outside the four eras (1933-2028, the edges blurred by the shift) exists.
"""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from verify_service.domain.identity import check_character
from verify_service.sandbox.population.identifiers import id_number_is_synthetic
from verify_service.sandbox.population.stream import DigestStream, spread

_ERA_DAYS = 8_766
_FIRST_DAY = date(1933, 1, 1).toordinal()
_COLUMNS = _ERA_DAYS * 100
_PER_COLUMN = 20
_STRIDE = 633_013
_STRIDE_BACK = pow(_STRIDE, -1, _COLUMNS)
_SHIFTS = tuple(sequence * 617 % 1_097 - 548 for sequence in range(1_000))
YOUNG = 3

HOUSEHOLDS_PER_REGION = _COLUMNS * _PER_COLUMN

# Seats are an era (o, m, a, y) and a last digit, odd for men. The four plans differ in who lives with a1 and a2.
_SHARED = "a3a4y3 a5y4 a6y5 a7y6 a8y7 m1y9 m2y8 m4y0 a9a0 m3m6 m5m8 o1o4 o3o6 o9 o0"
_PLANS = tuple(
    tuple(tuple("omay".index(word[i]) * 10 + int(word[i + 1]) for i in range(0, len(word), 2)) for word in f"{special} {_SHARED}".split())
    for special in (
        "a1a2y1 m9y2 m7m0 o2o7 o5o8",
        "a1a2y1y2 m7m0 m9o2 o5o8 o7",
        "a1a2y1y2m0 m9o2 m7 o5o8 o7",
        "a1a2y1y2m7m0 m9o2 o5 o8 o7",
    )
)
_LABELS = tuple({seat: label for label, seats in enumerate(plan) for seat in seats} for plan in _PLANS)
_PLAN_CHOICE = spread((4, 0), (4, 1), (1, 2), (1, 3))


class Place(NamedTuple):
    """Where a number stands: its region, the index of its household there, and its seat."""

    region: str
    household: int
    seat: int

    @property
    def era(self) -> int:
        """Return the era, 0 for the old to YOUNG."""
        return self.seat // 10


def locate(id_number: str) -> Place | None:
    """Return the place of a number, None when nobody can have it."""
    if not id_number_is_synthetic(id_number):
        return None
    region, sequence = id_number[:6], int(id_number[14:17])
    try:
        born = date(int(id_number[6:10]), int(id_number[10:12]), int(id_number[12:14])).toordinal()
    except ValueError:
        return None
    era, phase = divmod(born - _SHIFTS[sequence] - _FIRST_DAY, _ERA_DAYS)
    if not 0 <= era <= YOUNG:
        return None
    column, seat = phase * 100 + sequence // 10, era * 10 + sequence % 10
    label = _LABELS[_plan_of(region, column)][seat]
    return Place(region, column * _STRIDE_BACK % _COLUMNS * _PER_COLUMN + label, seat)


def household(region: str, index: int, as_of: date) -> list[str]:
    """Return the numbers of a household's members born by a day, adults first. Raises IndexError beyond HOUSEHOLDS_PER_REGION."""
    if not 0 <= index < HOUSEHOLDS_PER_REGION:
        raise IndexError("no such household")
    place, label = divmod(index, _PER_COLUMN)
    column = place * _STRIDE % _COLUMNS
    members = _numbers(region, column, _PLANS[_plan_of(region, column)][label])
    today = f"{as_of:%Y%m%d}"
    return [number for number in members if number[6:14] <= today]


def _numbers(region: str, column: int, seats: tuple[int, ...]) -> Iterator[str]:
    phase, tens = divmod(column, 100)
    for seat in seats:
        era, last_digit = divmod(seat, 10)
        sequence = tens * 10 + last_digit
        born = date.fromordinal(_FIRST_DAY + era * _ERA_DAYS + phase + _SHIFTS[sequence])
        body = f"{region}{born.year}{born.month:02d}{born.day:02d}{sequence:03d}"
        yield body + check_character(body)


def _plan_of(region: str, column: int) -> int:
    return DigestStream("plan", region, column).pick(_PLAN_CHOICE)
