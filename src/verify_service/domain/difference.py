"""What changed from one report body to another, for machines. Published as schemas/difference.schema.json."""

from typing import Any, Literal

from pydantic import TypeAdapter, with_config
from typing_extensions import TypedDict

from verify_service.domain.report.base import CLOSED
from verify_service.domain.report.header import Reason

FORMAT: Literal["verify-service/difference/1"] = "verify-service/difference/1"
_FromTo = TypedDict("_FromTo", {"from": Any, "to": Any})


@with_config(CLOSED)
class Change(_FromTo):
    """One value, before and after. null: not there."""


@with_config(CLOSED)
class CellChange(TypedDict):
    """A cell whose outcome, as-of day or number of records is another one."""

    member: str
    source: str
    outcome: Change
    as_of: Change
    records: Change


@with_config(CLOSED)
class PlaceChange(_FromTo):
    """A figure or a declared fact. place: a pointer into the report that walks lists by name, `/income/members/mother/total`."""

    place: str


@with_config(CLOSED)
class LineChange(_FromTo):
    """A line in force that is another one, or was passed, or not, another way."""

    code: str


@with_config(CLOSED)
class ItemChange(_FromTo):
    """An asset that came, went, or stands otherwise. The values are `counted` before and after; null where it is not listed."""

    section: str
    key: str


@with_config(CLOSED)
class FindingRef(TypedDict):
    """A finding, by name."""

    id: str
    code: str
    severity: Literal["I", "D", "L", "Q"]
    member: str | None
    source: str | None


@with_config(CLOSED)
class FindingChange(FindingRef):
    """A finding that still stands, with another state or other values."""

    state: Change
    measured: Change
    line: Change


@with_config(CLOSED)
class FindingChanges(TypedDict):
    """Findings that came, went, and changed."""

    added: list[FindingRef]
    removed: list[FindingRef]
    changed: list[FindingChange]


@with_config(CLOSED)
class Changes(TypedDict):
    """Everything that changed in what a report says; empty lists and equal pairs where nothing did."""

    state: Change
    usable_for: Change
    policy: Change
    gaps: Change
    cells: list[CellChange]
    figures: list[PlaceChange]
    declared: list[PlaceChange]
    items: list[ItemChange]
    lines: list[LineChange]
    findings: FindingChanges


@with_config(CLOSED)
class Difference(TypedDict):
    """What a report version changed in the one that it replaces, and why."""

    format: Literal["verify-service/difference/1"]
    report_id: str
    version: int
    replaces: str
    reason: Reason
    changes: Changes


def difference_schema() -> dict[str, Any]:
    """Return the JSON Schema of a difference."""
    return TypeAdapter(Difference).json_schema()
