"""One logical asset from all rows about it, whoever gave them (M4, M5), and whether it counts."""

from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Generic, NamedTuple, TypeVar

from verify_service.domain.records import BaseRecord, RecordStatus
from verify_service.verification.evidence import Row

R = TypeVar("R", bound=BaseRecord)


class Standing(NamedTuple):
    """Whether an asset counts, why, and by which merge rule."""

    counted: bool
    reason: str
    rule: str


COUNTED = Standing(counted=True, reason="counted", rule="M7")
NOT_IN_FORCE = Standing(counted=False, reason="not_in_force", rule="M7")
OF_OTHERS = Standing(counted=False, reason="not_of_the_household", rule="M23")


@dataclass(frozen=True, slots=True)
class Asset(Generic[R]):
    """One thing with n rows of evidence, the one to believe first. `record` is that row's.

    owners: members with a row in force, in the household's order; all named ones when none is in force.
    share: the household's share of a home, None when it cannot be known or is not asked for.
    conflicts: the fields about which registers disagree beyond the tolerance (M6).
    """

    key: str
    record: R
    rows: tuple[Row, ...]
    owners: tuple[str, ...]
    standing: Standing
    share: Fraction | None = None
    conflicts: tuple[str, ...] = ()

    @property
    def digests(self) -> tuple[str, ...]:
        """Return the digests of the raw answers that speak of it."""
        return tuple(sorted({d for row in self.rows for d in row.answer.outcome.answer_digests}))


def grouped(rows: Iterable[Row], key: Callable[[Row], Hashable]) -> dict[str, list[Row]]:
    """Bring rows about one thing together; things in the order of their keys, rows with the one to believe first."""
    things: dict[str, list[Row]] = {}
    for row in rows:
        things.setdefault(str(key(row)), []).append(row)
    for name, found in things.items():
        if len(found) > 1:
            things[name] = sorted(found, key=lambda r: r.rank)
    return things if len(things) < 2 else dict(sorted(things.items()))


def asset(key: str, rows: Sequence[Row], record: R, standing: Standing, counted_members: Collection[str]) -> Asset[R]:
    """Build the asset from its ordered rows, `record` that of the first; what belongs to no counted member is set apart (M23)."""
    owners = owners_of(rows)
    if not any(owner in counted_members for owner in owners):
        standing = OF_OTHERS
    return Asset(key, record, tuple(rows), owners, standing, conflicts=_status_conflict(rows))


def owners_of(rows: Sequence[Row]) -> tuple[str, ...]:
    """Return the members whose row is in force; all members of the rows when none is."""
    places = {row.member: row.place for row in sorted(rows, key=lambda r: -r.place) if row.record.status is RecordStatus.CURRENT}
    if not places:
        places = {row.member: row.place for row in sorted(rows, key=lambda r: -r.place)}
    return tuple(sorted(places, key=lambda m: places[m]))


def _status_conflict(rows: Sequence[Row]) -> tuple[str, ...]:
    """Different sources that disagree for one member whether a right is in force contradict each other."""
    said: dict[str, dict[str, RecordStatus]] = {}
    for row in rows:
        said.setdefault(row.member, {}).setdefault(row.source.id, row.record.status)
    return ("status",) if any(len(set(by_source.values())) > 1 for by_source in said.values()) else ()
