"""What is known of an amount when answers may be missing: an exact interval, never a sum with a zero in it.

Bounds are integers or fractions of a unit (fen, cm2, pieces), unrounded. An unknown upper bound is None. `missing` names
the cells (`member:source`) whose answers would narrow the interval; `*:kind` names a kind that no connected register serves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from verify_service.domain.money import LARGEST_EXACT, half_up
from verify_service.domain.swift import swift

Exact = int | Fraction
Comparison = Literal["exceeds", "within", "cannot_say"]
Unit = Literal["fen", "cm2", "pieces", "bp"]
NOTHING_MISSING: frozenset[str] = frozenset()
_KEYS: dict[Unit, tuple[str, str]] = {unit: (f"lower_{unit}", f"upper_{unit}") for unit in ("fen", "cm2", "pieces", "bp")}


@swift
@dataclass(frozen=True, slots=True)
class Interval:
    """lower <= amount <= upper (None: unknown). An interval that is not a point says what is missing.

    Raises ValueError when that does not hold.
    """

    lower: Exact
    upper: Exact | None
    missing: frozenset[str] = NOTHING_MISSING

    def __post_init__(self) -> None:
        ordered = self.upper is None or self.lower <= self.upper
        if not ordered or (self.upper != self.lower and not self.missing):
            raise ValueError("an interval is a point, or has ordered bounds and names what is missing")

    @classmethod
    def of(cls, known: Exact, missing: frozenset[str] = NOTHING_MISSING) -> "Interval":
        """Return the point, or everything from `known` upwards when an answer is missing."""
        return cls(known, None if missing else known, missing)

    @property
    def complete(self) -> bool:
        """Say whether nothing is missing."""
        return not self.missing

    def __add__(self, other: "Interval") -> "Interval":
        upper = None if self.upper is None or other.upper is None else self.upper + other.upper
        return Interval(self.lower + other.lower, upper, self.missing | other.missing)

    def less(self, deduction: Exact) -> "Interval":
        """Take a deduction off both bounds."""
        return Interval(self.lower - deduction, None if self.upper is None else self.upper - deduction, self.missing)

    def scaled(self, factor: Exact) -> "Interval":
        """Multiply by a factor that is not negative."""
        if factor < 0:
            raise ValueError("a negative factor would swap the bounds")
        return Interval(self.lower * factor, None if self.upper is None else self.upper * factor, self.missing)

    def at_least(self, floor: Exact) -> "Interval":
        """Raise both bounds to a floor."""
        return Interval(max(floor, self.lower), None if self.upper is None else max(floor, self.upper), self.missing)

    def or_nothing(self, missing: frozenset[str]) -> "Interval":
        """Return what it is where it may as well be nothing, until what is missing is known."""
        return Interval(0, self.upper, self.missing | missing)

    def ratio_to(self, whole: "Interval") -> "Interval | None":
        """Return this as a part of the whole in basis points, unrounded; None when the whole is known to be nothing.

        Both lie at or above zero; a whole that may be nothing leaves the ratio open upwards.
        """
        if whole.upper is not None and whole.upper <= 0:
            return None
        lower = 0 if whole.upper is None else Fraction(self.lower * 10_000) / whole.upper
        upper = None if self.upper is None or whole.lower <= 0 else Fraction(self.upper * 10_000) / whole.lower
        return Interval(lower, upper, self.missing | whole.missing)

    def per(self, parts: int) -> "Interval":
        """Divide by a number of persons or months, unrounded."""
        return Interval(divided(self.lower, parts), None if self.upper is None else divided(self.upper, parts), self.missing)

    def against(self, line: Exact, *, equal_is_within: bool = True) -> Comparison:
        """Compare with a line; say within or exceeds only when the whole interval lies on one side."""
        if self.lower > line or (self.lower == line and not equal_is_within):
            return "exceeds"
        if self.upper is not None and (self.upper < line or (self.upper == line and equal_is_within)):
            return "within"
        return "cannot_say"

    def to_json(self, unit: Unit) -> dict[str, object]:
        """Return `{lower_<unit>, upper_<unit>, complete, missing}`, rounded for display."""
        lower, upper = self.lower, self.upper
        if type(lower) is not int or type(upper) is not int:  # which nearly all are, so that nothing is left to round
            lower, upper = half_up(lower), None if upper is None else half_up(upper)
        if lower > LARGEST_EXACT or (upper or 0) > LARGEST_EXACT:
            # Beyond what JSON carries exactly, "at least the largest number" is still true, and never an error.
            lower, upper = min(lower, LARGEST_EXACT), None
        low, high = _KEYS[unit]
        return {
            low: lower,
            high: upper,
            "complete": upper is not None and not self.missing,
            "missing": sorted(self.missing) if self.missing else [],
        }


NOTHING = Interval(0, 0)


def greatest(parts: Iterable[Interval]) -> Interval:
    """Return the greatest of amounts that are not negative; of none, a known zero."""
    lower: Exact = 0
    upper: Exact | None = 0
    missing = NOTHING_MISSING
    for part in parts:
        lower = max(lower, part.lower)
        upper = None if upper is None or part.upper is None else max(upper, part.upper)
        missing = missing | part.missing if part.missing else missing
    return Interval(lower, upper, missing)


def total(parts: Iterable[Interval]) -> Interval:
    """Add intervals; nothing adds up to a known zero."""
    lower: Exact = 0
    upper: Exact | None = 0
    missing = NOTHING_MISSING
    for part in parts:
        lower += part.lower
        upper = None if upper is None or part.upper is None else upper + part.upper
        missing = missing | part.missing if part.missing else missing
    return Interval(lower, upper, missing)


def divided(amount: Exact, parts: int) -> Exact:
    """Divide exactly; whole numbers stay integers, whose arithmetic is faster and just as exact."""
    if isinstance(amount, int):
        return Fraction(amount, parts) if amount % parts else amount // parts
    return amount / parts
