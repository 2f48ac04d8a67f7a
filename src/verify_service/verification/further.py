"""Kinds that sources bring: one thing per key (M4), what of it is the household's (M8), what it adds to a figure (M14, M15)."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from fractions import Fraction
from typing import cast

from verify_service.domain.interval import NOTHING, NOTHING_MISSING, Interval
from verify_service.domain.policy import Policy
from verify_service.domain.policy.in_force import plain
from verify_service.domain.records import UNTOLD, FurtherRecord
from verify_service.sources.definition import FurtherKind, Source
from verify_service.verification.assets import COUNTED, NOT_IN_FORCE, Asset, Standing, Thing, asset, of_member, things
from verify_service.verification.evidence import Evidence, Row

LISTED = Standing(counted=False, reason="listed", rule="M22")


def further_kinds(sources: Iterable[Source]) -> dict[str, FurtherKind]:
    """Return every kind that a source brings, by name in canonical order."""
    found = {kind: facts for source in sources for kind, facts in source.further.items()}
    return {kind: found[kind] for kind in sorted(found)}


def asset_kinds(sources: Iterable[Source]) -> frozenset[str]:
    """Return the kinds by which an amount may be declared: those that add to a figure."""
    return frozenset(kind for source in sources for kind, facts in source.further.items() if facts.figure is not None)


def further(
    evidence: Evidence, counted: Collection[str], kinds: Mapping[str, FurtherKind], policy: Policy
) -> Iterator[Asset[FurtherRecord]]:
    """Return each thing once: rows with one key are one thing if it has several holders, else one for each member."""
    for kind, facts in kinds.items():
        for thing in things(evidence.of(kind), _key, of_member):
            yield _asset(thing, counted, policy, is_asset=facts.figure is not None)


def told_of_persons(evidence: Evidence, kinds: Iterable[str]) -> list[Row]:
    """Return the rows in force that say something of the person herself."""
    return [row for kind in kinds for row in evidence.of(kind) if row.in_force and _record(row).person is not None]


def _record(row: Row) -> FurtherRecord:
    return cast("FurtherRecord", row.record)


def _key(row: Row) -> str:
    record = _record(row)
    return f"{row.member} {record.source_key}" if record.holders == 1 else record.source_key


def _asset(thing: Thing, counted: Collection[str], policy: Policy, *, is_asset: bool) -> Asset[FurtherRecord]:
    record = _record(thing.heads[0])
    standing = NOT_IN_FORCE if not thing.heads[0].in_force else COUNTED._replace(rule="M14") if is_asset else LISTED
    found = asset(thing, record, standing, counted)
    conflicts = (*found.conflicts, *_amounts_differ(found.rows, policy.rules.tolerances.money_fen))
    return Asset(found.key, record, found.rows, found.owners, found.standing, _share(thing, counted), conflicts)


def _share(thing: Thing, counted: Collection[str]) -> Fraction | None:
    """Return the counted members' part: their shares, an equal part where none is told, None where the holders are not known (M8)."""
    parts = [_part(_record(row)) for row in thing.heads if row.in_force and row.member in counted]
    known = [part for part in parts if part is not None]
    return min(Fraction(1), sum(known, Fraction(0))) if len(known) == len(parts) else None


def _part(record: FurtherRecord) -> Fraction | None:
    if record.share is not None:
        return Fraction(record.share.numerator, record.share.denominator)
    return None if record.holders is None else Fraction(1, record.holders)


def _amounts_differ(rows: Collection[Row], tolerance_fen: int) -> tuple[str, ...]:
    """Amounts of two registers that differ by more than the tolerance contradict each other (M6)."""
    told = [w.lower_fen for row in rows if row.in_force and (w := _record(row).worth) and w.upper_fen == w.lower_fen]
    return ("worth",) if told and max(told) - min(told) > tolerance_fen else ()


def worth(thing: Asset[FurtherRecord]) -> Interval:
    """Return what a counted asset adds, in fen. An amount or a share that is not told leaves its cell missing, never zero."""
    if not thing.standing.counted:
        return NOTHING
    told = thing.record.worth or UNTOLD
    low, high = (Fraction(0), Fraction(1)) if thing.share is None else (thing.share, thing.share)
    lower = plain(told.lower_fen * low)
    upper = None if told.upper_fen is None else plain(told.upper_fen * high)
    return Interval(lower, upper, NOTHING_MISSING if lower == upper else thing.cell)
