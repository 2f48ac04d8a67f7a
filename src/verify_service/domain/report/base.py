"""Types that all sections of a report share. Every object is closed: an unknown field is an error."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

CLOSED = ConfigDict(extra="forbid")
Instant = Annotated[str, Field(description="RFC 3339 instant at +08:00")]
Day = Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Month = Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$", description="SHA-256 in hexadecimal")]
Level = Literal["ministry", "province", "city", "county"]


@with_config(CLOSED)
class MoneyInterval(TypedDict):
    """Fen, rounded half up for display. upper_fen null: unknown. missing: cells `member:source`, or `*:kind` no register serves."""

    lower_fen: int
    upper_fen: int | None
    complete: bool
    missing: list[str]


@with_config(CLOSED)
class PerCapita(TypedDict):
    """A mean per person; the unrounded lower bound stands beside, as a fraction in decimal digits, because lines are compared with it."""

    lower_fen: int
    upper_fen: int | None
    complete: bool
    missing: list[str]
    exact_numerator_fen: str
    exact_denominator: str


@with_config(CLOSED)
class CountInterval(TypedDict):
    """Pieces."""

    lower_pieces: int
    upper_pieces: int | None
    complete: bool
    missing: list[str]


@with_config(CLOSED)
class AreaInterval(TypedDict):
    """Square centimetres."""

    lower_cm2: int
    upper_cm2: int | None
    complete: bool
    missing: list[str]


@with_config(CLOSED)
class RatioInterval(TypedDict):
    """Basis points (100 are 1 %)."""

    lower_bp: int
    upper_bp: int | None
    complete: bool
    missing: list[str]


Measure = MoneyInterval | CountInterval | AreaInterval | RatioInterval
