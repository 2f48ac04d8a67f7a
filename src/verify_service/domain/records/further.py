"""A record of a kind that a source brings with it: an envelope that merge, storage and report understand without its model.

The source's own package validates the fields; a reader of a signed report needs only this envelope and the kind's titles.
"""

from datetime import date
from typing import Annotated, Self

from pydantic import Field, model_validator
from typing_extensions import TypeAliasType

from verify_service.domain.codes import Exclusion, Marital
from verify_service.domain.identity import IdNumber
from verify_service.domain.records.base import BaseRecord, Fen, Frozen, Share

BUILT_IN = frozenset({"vehicle", "property", "securities", "business", "housing_fund", "contribution", "benefit"})
KindName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{1,39}$")]
FieldName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Whole = Annotated[int, Field(ge=-(2**53) + 1, le=2**53 - 1)]
Value = TypeAliasType("Value", "bool | Whole | str | list[Value] | dict[str, Value] | None")


class Worth(Frozen):
    """What the thing is worth in fen, between two bounds; upper None: the register does not tell the amount (M15)."""

    lower_fen: Fen
    upper_fen: Fen | None

    @classmethod
    def of(cls, fen: int) -> Self:
        """Return a known amount."""
        return cls(lower_fen=fen, upper_fen=fen)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.upper_fen is not None and self.upper_fen < self.lower_fen:
            raise ValueError("bounds are not in order")
        return self


class Relative(Frozen):
    """Another person whom the register knows beside this one; `relation` is GB/T 4761, of her to this one.

    Without her number, which a report withholds, nobody can tell whether she is listed.
    """

    relation: str = Field(pattern=r"^[0-9]{2}$")
    id_number: IdNumber | None = Field(default=None, repr=False)


class PersonFacts(Frozen):
    """What a register of persons says of the person asked about (户籍, 婚姻, 死亡, 司法): only what it tells, the rest left out.

    away: why she does not live in the household. hukou_cancelled: the household registration has ended (户籍注销).
    """

    died_on: date | None = None
    marital: Marital | None = None
    marital_since: date | None = None
    hukou_region: str | None = Field(default=None, pattern=r"^[0-9]{6}([0-9]{6})?$")
    hukou_cancelled: bool = False
    away: Exclusion | None = None
    relatives: tuple[Relative, ...] = Field(default=(), max_length=50)


UNTOLD = Worth(lower_fen=0, upper_fen=None)


class FurtherRecord(BaseRecord):
    """One row. `fields` are the kind's own: money in fen, days and months as text, never a float.

    worth: what it adds to the kind's figure, None if it is no asset. holders: how many people it belongs to, None unknown;
    with several, rows with the same `source_key` are one thing, and each holder has `share`, else an equal part (M8).
    person: what the row says of the person herself. findings: codes of the source that this row raises.
    """

    kind: KindName
    fields: dict[FieldName, Value] = Field(repr=False)
    worth: Worth | None = None
    holders: Annotated[int, Field(ge=1, le=1000)] | None = 1
    share: Share | None = None
    person: PersonFacts | None = None
    findings: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _own_kind(self) -> Self:
        if self.kind in BUILT_IN:
            raise ValueError("the kind has a model of its own")
        return self

    def __hash__(self) -> int:
        """Hash by the row's key: `fields` is a dictionary."""
        return hash((self.kind, self.source_key))
