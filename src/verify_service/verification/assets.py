"""One logical asset from all rows about it, whoever gave them (M4, M5), and whether it counts."""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Generic, NamedTuple, TypeVar

from verify_service.domain.interval import Interval
from verify_service.domain.records import BaseRecord
from verify_service.domain.swift import swift
from verify_service.verification.evidence import Row, row_digests

R = TypeVar("R", bound=BaseRecord)


class Standing(NamedTuple):
    """Whether an asset counts, why, and by which merge rule.

    review: an officer must look first; until then it may count or not, and figures are open for it.
    """

    counted: bool
    reason: str
    rule: str
    review: bool = False


COUNTED = Standing(counted=True, reason="counted", rule="M7")
NOT_IN_FORCE = Standing(counted=False, reason="not_in_force", rule="M7")
AFTER_THE_DAY = Standing(counted=False, reason="after_the_day", rule="M7")
NOT_COMPARED: Mapping[str, int] = {}
OF_OTHERS = Standing(counted=False, reason="not_of_the_household", rule="M23")


@swift
@dataclass(frozen=True, slots=True)
class Asset(Generic[R]):
    """One thing with n rows of evidence, the one to believe first. `record` is that row's.

    owners: members whose right is in force, in the household's order; all named ones when none is.
    share: the household's share of a home, None when it cannot be known or is not asked for.
    conflicts: the fields about which registers disagree beyond the tolerance (M6). presumed: the share is the equal one (M8).
    """

    key: str
    record: R
    rows: tuple[Row, ...]
    owners: tuple[str, ...]
    standing: Standing
    share: Fraction | None = None
    conflicts: tuple[str, ...] = ()
    presumed: bool = False

    @property
    def cell(self) -> frozenset[str]:
        """Return the cell (`member:source`) of the row that is believed, as what is missing where it does not tell enough."""
        first = self.rows[0]
        return frozenset({f"{first.member}:{first.source.id}"})

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the digests of the raw answers that speak of it."""
        return row_digests(self.rows)


@swift
@dataclass(frozen=True, slots=True)
class Thing:
    """All rows about one thing. heads: per member (and role) the row to believe (M6), those in force first; then the others."""

    key: str
    heads: list[Row]
    others: list[Row]


def things(rows: Sequence[Row], key: Callable[[Row], str], part: Callable[[Row], Hashable]) -> list[Thing]:
    """Bring rows about one thing together, in the order of the keys. `part` is what one row speaks for: a member, or her role."""
    by_key: dict[str, list[Row]] = {}
    for row in rows:
        by_key.setdefault(key(row), []).append(row)
    return [_thing(name, by_key[name], part) for name in sorted(by_key)]


def _thing(key: str, rows: list[Row], part: Callable[[Row], Hashable]) -> Thing:
    if len(rows) == 1:
        return Thing(key, rows, [])
    best: dict[Hashable, Row] = {}
    others = [row for row in sorted(rows, key=lambda r: r.rank) if best.setdefault(part(row), row) is not row]
    return Thing(key, sorted(best.values(), key=lambda r: (not r.in_force, r.rank)), others)


def of_member(row: Row) -> str:
    """Return the part of a thing that has one row per member."""
    return row.member


def asset(thing: Thing, record: R, standing: Standing, counted: Collection[str], tolerances: Mapping[str, int] = NOT_COMPARED) -> Asset[R]:
    """Build the asset, `record` that of the first head; what belongs to no counted member is set apart (M23).

    tolerances: by how much registers may differ about a field, days as the number of days (M6).
    """
    owners = _owners(thing.heads)
    if not any(owner in counted for owner in owners):
        standing = OF_OTHERS
    rows = (*thing.heads, *thing.others)
    return Asset(thing.key, record, rows, owners, standing, conflicts=(*_status_conflict(rows), *_differences(rows, tolerances)))


def digests(assets: Iterable[Asset[Any]]) -> tuple[str, ...]:
    """Return the digests of the raw answers that speak of any of them."""
    return tuple(sorted({d for thing in assets for d in thing.digests}))


def pieces(counted: Sequence[Asset[Any]], review: Sequence[Asset[Any]], silent: frozenset[str]) -> Interval:
    """Return how many there are: at least those that count, at most those under review too, open while a register is silent."""
    sure = len(counted)
    if not review:
        return Interval.of(sure, silent)
    return Interval(sure, None if silent else sure + len(review), silent.union(*(a.cell for a in review)))


def _owners(heads: Sequence[Row]) -> tuple[str, ...]:
    """Return the members whose row is in force, in the household's order; all members of the rows when none is."""
    live = [row for row in heads if row.in_force] or heads
    return tuple(dict.fromkeys(row.member for row in sorted(live, key=lambda r: r.place)))


def _status_conflict(rows: Sequence[Row]) -> tuple[str, ...]:
    """Different sources that disagree for one member whether a right is in force contradict each other."""
    if len(rows) == 1:
        return ()
    said: dict[str, dict[str, bool]] = {}
    for row in rows:
        by_source = said.setdefault(row.member, {})
        by_source[row.source.id] = by_source.get(row.source.id, False) or row.in_force
    return ("status",) if any(len(set(by_source.values())) > 1 for by_source in said.values()) else ()


def _differences(rows: Sequence[Row], tolerances: Mapping[str, int]) -> tuple[str, ...]:
    """Name the fields about which rows in force, of different sources, differ by more than the tolerance."""
    live = [row for row in rows if row.in_force]
    if len({row.source.id for row in live}) < 2:
        return ()
    return tuple(name for name, tolerance in tolerances.items() if _spread(live, name) > tolerance)


def _spread(rows: Sequence[Row], name: str) -> int:
    told = [value.toordinal() if isinstance(value, date) else value for row in rows if (value := getattr(row.record, name)) is not None]
    return max(told) - min(told) if told else 0
