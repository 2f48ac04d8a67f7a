"""Vehicles: which count (M4, M7, M11), and what one is worth (M12)."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import date
from typing import cast

from verify_service.domain.interval import Interval, divided
from verify_service.domain.policy import Policy
from verify_service.domain.policy.rules import Depreciation
from verify_service.domain.records import RecordStatus, Vehicle
from verify_service.verification.assets import AFTER_THE_DAY, COUNTED, NOT_IN_FORCE, Asset, Standing, asset, of_member, things
from verify_service.verification.evidence import Evidence, Row

_MOTORCYCLES = frozenset({"07", "08"})  # GA 24.7 plate types of motorcycles and mopeds
_FARM = frozenset({"13", "14"})  # GA 24.7: low-speed vehicles and tractors, a class of their own
FARM_MACHINE = "farm_machine"
_ELECTRIC = "C"  # GA 24.9
_BUSINESS_USE = frozenset("BCDEFG")  # GA 24.3: passenger, bus, taxi, tourism, freight, rental
_GONE = {"E": "cancelled", "M": "cancelled_by_force", "P": "scrapped", "B": "transferred_out", "C": "stolen"}  # GA 24.17
_DATES = {"first_registered": 0}


def vehicles(evidence: Evidence, counted: Collection[str], policy: Policy, day: date) -> Iterator[Asset[Vehicle]]:
    """Return every vehicle once, counted or with the reason why not. `day` is the day property is asked for."""
    rows = evidence.of("vehicle")
    for thing in things(rows, _keys(rows), of_member):
        record = cast("Vehicle", thing.heads[0].record)
        yield asset(thing, record, _standing(record, policy, day), counted, _DATES)


def _plate(vehicle: Vehicle) -> str:
    return f"{vehicle.plate_type} {vehicle.plate_no}"


def _keys(rows: Sequence[Row]) -> Callable[[Row], str]:
    """Tell a row's vehicle: by its VIN, else by that of the vehicle with the same plate, else by the plate (M4)."""
    records = [cast("Vehicle", row.record) for row in rows]
    known = {_plate(r): r.vin for r in reversed(records) if r.vin} if any(r.vin is None for r in records) else {}

    def key(row: Row) -> str:
        record = cast("Vehicle", row.record)
        return record.vin or known.get(_plate(record)) or _plate(record)

    return key


def _standing(vehicle: Vehicle, policy: Policy, day: date) -> Standing:
    reason = next(_reasons_against(vehicle, policy, day), None)
    if reason is None:
        return COUNTED
    return {s.reason: s for s in (NOT_IN_FORCE, AFTER_THE_DAY)}.get(reason) or Standing(counted=False, reason=reason, rule="M11")


def _reasons_against(vehicle: Vehicle, policy: Policy, day: date) -> Iterator[str]:
    if (vehicle.acquired or vehicle.first_registered) > day:
        yield AFTER_THE_DAY.reason
    if not _left_after(vehicle, day):
        yield from (reason for letter, reason in _GONE.items() if letter in vehicle.status_letters)
        if vehicle.status is not RecordStatus.CURRENT:
            yield NOT_IN_FORCE.reason
    if vehicle.ownership == "unit":
        yield "unit_owned"
    if vehicle.plate_type in _FARM:
        yield FARM_MACHINE
    if vehicle.disabled_use and "disabled_use" in policy.programme.exempt_vehicles:
        yield "exempt_disabled_use"
    if vehicle.plate_type in _MOTORCYCLES and "motorcycle" in policy.programme.exempt_vehicles:
        yield "exempt_motorcycle"
    if vehicle.use_nature in _BUSINESS_USE:
        yield "business_asset"


def _left_after(vehicle: Vehicle, day: date) -> bool:
    """Say whether the vehicle was given away only after the day property is asked for (M7)."""
    left = [t.day for t in vehicle.transfers if t.direction == "out"]
    return bool(left) and min(left) > day


def value(vehicle: Asset[Vehicle], appraised: Mapping[str, int], policy: Policy, day: date) -> Interval:
    """Return what the vehicle is worth in fen: as appraised, else its price less so much a year, never below the floor (M12).

    The price of the purchase speaks before the registered one. A vehicle without any price is worth something unknown.
    """
    record, rules = vehicle.record, policy.rules.assets.vehicle_depreciation
    appraisal = appraised.get(vehicle.key, appraised.get(_plate(record)))
    if appraisal is not None:
        return Interval.of(appraisal)
    price = record.purchase_price_fen if record.purchase_price_fen is not None else record.original_value_fen
    if price is None:
        return Interval.of(0, vehicle.cell)
    bought = record.first_registered if record.purchase_price_fen is None else record.acquired or record.first_registered
    return Interval.of(divided(price * _rest_bp(record, rules, _full_years(bought, day)), 10_000))


def _rest_bp(vehicle: Vehicle, rules: Depreciation, years: int) -> int:
    yearly = rules.electric_yearly_bp if vehicle.fuel == _ELECTRIC else rules.yearly_bp
    return max(rules.floor_bp, 10_000 - yearly * years)


def _full_years(since: date, day: date) -> int:
    return max(0, day.year - since.year - ((day.month, day.day) < (since.month, since.day)))
