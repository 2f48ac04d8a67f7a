"""Money as integer fen: how an exact amount is rounded for people. Comparisons never use these functions (domain reference C1.7)."""

from fractions import Fraction

FEN_PER_YUAN = 100
LARGEST_EXACT = 2**53 - 1  # the largest integer that every JSON reader keeps (RFC 8785)


def half_up(amount: int | Fraction) -> int:
    """Round to a whole unit, halves away from zero."""
    if isinstance(amount, int):
        return amount
    sign = -1 if amount < 0 else 1
    return sign * ((2 * abs(amount.numerator) + amount.denominator) // (2 * amount.denominator))


def yuan(fen: int | Fraction) -> str:
    """Return fen as yuan for display: `1,413.28`."""
    whole = half_up(fen)
    sign = "-" if whole < 0 else ""
    return f"{sign}{abs(whole) // FEN_PER_YUAN:,}.{abs(whole) % FEN_PER_YUAN:02d}"
