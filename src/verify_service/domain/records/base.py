"""What every record has: which row of the register it is, whether it is in force, how much was disclosed."""

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Fen = Annotated[int, Field(ge=0, le=10**15, description="money, integer fen (1 yuan = 100 fen)")]
Cm2 = Annotated[int, Field(ge=0, le=10**13, description="area, integer square centimetres (1 m2 = 10,000)")]
BasisPoints = Annotated[int, Field(ge=0, le=10_000, description="rate in basis points (100 = 1 %)")]
Month = Annotated[str, Field(pattern=r"^(19|20|21)[0-9]{2}-(0[1-9]|1[0-2])$", description="month, YYYY-MM")]
Text = Annotated[str, Field(min_length=1, max_length=512)]


class RecordStatus(StrEnum):
    """Whether the row is in force on its as-of day (M7)."""

    CURRENT = "current"
    HISTORIC = "historic"
    PENDING = "pending"
    CANCELLED = "cancelled"


class Disclosure(StrEnum):
    """How much the register tells: the value, a bucket, or only a flag."""

    FULL = "full"
    BUCKET = "bucket"
    FLAG = "flag"


class Frozen(BaseModel):
    """An immutable value that refuses unknown fields and lax conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Share(Frozen):
    """A share of ownership as a fraction; never a float."""

    numerator: int = Field(ge=1, le=10**9)
    denominator: int = Field(ge=1, le=10**9)


class BaseRecord(Frozen):
    """Common part. `source_key` is the register's own key of the row (VIN, unit code, account); it identifies no person."""

    source_key: Text
    status: RecordStatus
    disclosure: Disclosure = Disclosure.FULL
