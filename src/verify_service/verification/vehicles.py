"""Vehicles: which count (M4, M7, M11). Money decides nothing here: the programme's line is on their number."""

from collections.abc import Collection, Iterator
from typing import cast

from verify_service.domain.policy import Policy
from verify_service.domain.records import RecordStatus, Vehicle
from verify_service.verification.assets import COUNTED, NOT_IN_FORCE, Asset, Standing, asset, of_member, things
from verify_service.verification.evidence import Evidence, Row

_MOTORCYCLES = frozenset({"07", "08"})  # GA 24.7 plate types of motorcycles and mopeds
_BUSINESS_USE = frozenset("BCDEFG")  # GA 24.3: passenger, bus, taxi, tourism, freight, rental
_GONE = {"E": "cancelled", "M": "cancelled_by_force", "P": "scrapped", "B": "transferred_out", "C": "stolen"}  # GA 24.17


def vehicles(evidence: Evidence, counted: Collection[str], policy: Policy) -> Iterator[Asset[Vehicle]]:
    """Return every vehicle once, counted or with the reason why not."""
    for thing in things(evidence.of("vehicle"), _key, of_member):
        record = cast("Vehicle", thing.heads[0].record)
        yield asset(thing, record, _standing(record, policy), counted)


def _key(row: Row) -> str:
    record = cast("Vehicle", row.record)
    return record.vin or f"{record.plate_type} {record.plate_no}"


def _standing(vehicle: Vehicle, policy: Policy) -> Standing:
    reason = next(_reasons_against(vehicle, policy), None)
    if reason is None or reason == NOT_IN_FORCE.reason:
        return COUNTED if reason is None else NOT_IN_FORCE
    return Standing(counted=False, reason=reason, rule="M11")


def _reasons_against(vehicle: Vehicle, policy: Policy) -> Iterator[str]:
    yield from (reason for letter, reason in _GONE.items() if letter in vehicle.status_letters)
    if vehicle.status is not RecordStatus.CURRENT:
        yield NOT_IN_FORCE.reason
    if vehicle.ownership == "unit":
        yield "unit_owned"
    if vehicle.disabled_use and "disabled_use" in policy.programme.exempt_vehicles:
        yield "exempt_disabled_use"
    if vehicle.plate_type in _MOTORCYCLES and "motorcycle" in policy.programme.exempt_vehicles:
        yield "exempt_motorcycle"
    if vehicle.use_nature in _BUSINESS_USE:
        yield "business_asset"
