"""Real property: one unit once, however many members own it (M4, M9), homes apart from the rest (M10), shares (M8)."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import cast

from verify_service.domain.codes import HomeClaim
from verify_service.domain.household import Household
from verify_service.domain.interval import NOTHING, Interval
from verify_service.domain.policy import Policy
from verify_service.domain.policy.in_force import plain
from verify_service.domain.records import RealProperty, RecordStatus
from verify_service.verification.assets import AFTER_THE_DAY, COUNTED, NOT_IN_FORCE, Asset, Standing, asset, things
from verify_service.verification.evidence import Evidence, Row

_SAME_AREA_CM2 = 5_000  # M4: an address with an area within 0.5 m2 is the same unit
WHOLE = Fraction(1)
_DATES = {"registered": 0}
NON_RESIDENTIAL = "non_residential"


def homes(evidence: Evidence, household: Household, counted: Collection[str], policy: Policy, day: date) -> Iterator[Asset[RealProperty]]:
    """Return every unit once; `counted` means that it counts as a home. `day` is the day property is asked for."""
    rows = evidence.of("property")
    if rows:
        yield from _with_claims([*_units(rows, household, counted, policy, day)], household, policy)


def _units(rows: Sequence[Row], household: Household, counted: Collection[str], policy: Policy, day: date) -> Iterator[Asset[RealProperty]]:
    keys = _keys(rows)
    numbers = {m.id_number.reveal(): m.ref for m in household.members if m.ref in counted}
    for thing in things(rows, lambda row: keys[row.place], _member_and_stage):
        # A certificate speaks before the presale contract that led to it.
        thing.heads.sort(key=lambda r: (_is_presale(_property(r)), not r.in_force, r.rank))
        record = _property(thing.heads[0])
        unit = asset(thing, record, _standing(record, policy, day), counted, _DATES)
        share, presumed = _share(unit, thing.heads, numbers, counted)
        standing = _minority(unit.standing, share, policy)
        conflicts = (*unit.conflicts, *_area_conflict(unit.rows, policy))
        yield replace(unit, share=share, presumed=presumed, standing=standing, conflicts=conflicts)


def _with_claims(units: list[Asset[RealProperty]], household: Household, policy: Policy) -> list[Asset[RealProperty]]:
    """Put the units under review for which an exemption is claimed that the programme knows (M10)."""
    claims = {c.about: c.ground for c in household.claimed_exemptions if c.ground in policy.programme.exempt_on_review}
    return [_claimed(unit, claims[unit.key], units) if unit.key in claims else unit for unit in units] if claims else units


def _claimed(unit: Asset[RealProperty], ground: HomeClaim, units: Sequence[Asset[RealProperty]]) -> Asset[RealProperty]:
    """Review a home that is said to be old and unused, or a shop that is said to be the only home: if no other home is there."""
    if ground is HomeClaim.UNUSED_OLD_HOUSE:
        holds = unit.standing.counted
    else:
        holds = unit.standing.reason == NON_RESIDENTIAL and not any(u.standing.counted for u in units)
    return replace(unit, standing=Standing(counted=False, reason=ground.value, rule="M10", review=True)) if holds else unit


def _minority(standing: Standing, share: Fraction | None, policy: Policy) -> Standing:
    """Set a home apart whose share is smaller than the rules care for, or may be; without such a rule any share is one home (M9)."""
    least = policy.rules.assets.home_share_counts_from
    if not standing.counted or least is None or (share is not None and share >= Fraction(least)):
        return standing
    unknown = share is None
    return Standing(counted=False, reason="share_unknown" if unknown else "minority_share", rule="M9", review=unknown)


def _property(row: Row) -> RealProperty:
    return cast("RealProperty", row.record)


def _member_and_stage(row: Row) -> tuple[str, bool]:
    return row.member, _is_presale(_property(row))


def _is_presale(unit: RealProperty) -> bool:
    return unit.certificate_type == "presale"


def _keys(rows: Sequence[Row]) -> dict[int, str]:
    """Give each row its unit's key: unit code, else certificate, else address and area (M4).

    Rows that carry more are read first, so that a row with a certificate only finds the unit that has the same one.
    """
    keys: dict[int, str] = {}
    certificates: dict[str, str] = {}
    places: dict[tuple[str, int], tuple[int, str]] = {}
    for row in sorted(rows, key=lambda r: (_property(r).unit_code is None, _property(r).certificate_no is None, r.place)):
        record = _property(row)
        certificate, area, address = record.certificate_no or "", record.building_area_cm2, "".join(record.location.split())
        key = record.unit_code or certificates.get(certificate) or certificate or _near(places, address, area) or f"{address} {area}"
        keys[row.place] = key
        if certificate:
            certificates.setdefault(certificate, key)
        places.setdefault((address, area // _SAME_AREA_CM2), (area, key))
    return keys


def _near(places: Mapping[tuple[str, int], tuple[int, str]], address: str, area: int) -> str | None:
    """Find the unit at an address whose area is the same within the tolerance; units are kept in steps of the tolerance."""
    step = area // _SAME_AREA_CM2
    found = (places.get((address, s)) for s in (step, step - 1, step + 1))
    return next((key for known, key in filter(None, found) if abs(known - area) <= _SAME_AREA_CM2), None)


def _standing(unit: RealProperty, policy: Policy, day: date) -> Standing:
    presale = _is_presale(unit)
    cancelled_presale = presale and unit.presale is not None and unit.presale.state == "cancelled"
    ended_later = unit.status is RecordStatus.HISTORIC and unit.right_ended is not None and unit.right_ended > day
    in_force = unit.status is RecordStatus.CURRENT or ended_later or (unit.status is RecordStatus.PENDING and presale)
    if unit.registered > day and not presale:
        return AFTER_THE_DAY
    if not in_force or cancelled_presale:
        return NOT_IN_FORCE
    if not unit.residential:
        return Standing(counted=False, reason=NON_RESIDENTIAL, rule="M10")
    if unit.rural_homestead and not policy.programme.homestead_counts:
        return Standing(counted=False, reason="homestead", rule="M10")
    return COUNTED._replace(rule="M9")


def _share(
    unit: Asset[RealProperty], heads: Sequence[Row], numbers: dict[str, str], counted: Collection[str]
) -> tuple[Fraction | None, bool]:
    """Return the household's share (M8), None when an owner or her share is not known; and whether it is only presumed.

    Joint owners of whom some live elsewhere are presumed to have equal shares.
    """
    inside = {owner for owner in unit.owners if owner in counted}
    records = [_property(row) for row in heads if row.member in inside]
    if any(r.co_ownership == "sole" for r in records):
        return WHOLE, False
    if any(r.co_ownership == "shares" for r in records):
        return _sum_of_shares(heads, inside), False
    if not records or any(not r.co_owners_known for r in records):
        return None, False
    inside |= {numbers[c.id_number.reveal()] for r in records for c in r.co_owners if c.id_number and c.id_number.reveal() in numbers}
    owners = max(1 + len(r.co_owners) for r in records)
    share = min(WHOLE, Fraction(len(inside), owners))
    return share, share < WHOLE


def _sum_of_shares(rows: Iterable[Row], inside: Collection[str]) -> Fraction | None:
    shares = {row.member: record.share for row in reversed(list(rows)) if row.member in inside for record in [_property(row)]}
    if not shares or None in shares.values():
        return None
    return min(WHOLE, sum((Fraction(s.numerator, s.denominator) for s in shares.values() if s is not None), Fraction(0)))


def area(unit: Asset[RealProperty]) -> Interval:
    """Return what a home adds to the living area in cm2: the household's share, anything up to the whole where that is unknown (M8)."""
    if not (unit.standing.counted or unit.standing.review) or unit.standing.reason == HomeClaim.ONLY_HOME_AS_SHOP:
        return NOTHING
    whole = Interval.of(unit.record.building_area_cm2)
    if unit.share is None or unit.standing.review:
        return (whole if unit.share is None else whole.scaled(unit.share)).or_nothing(unit.cell)
    return Interval.of(plain(unit.record.building_area_cm2 * unit.share))


def _area_conflict(rows: Sequence[Row], policy: Policy) -> tuple[str, ...]:
    areas = [_property(row).building_area_cm2 for row in rows]
    differ = (max(areas) - min(areas)) * 10_000 > policy.rules.tolerances.area_bp * max(areas)
    return ("building_area_cm2",) if differ else ()
