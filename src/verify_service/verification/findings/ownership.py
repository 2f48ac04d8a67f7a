"""Findings about what is owned: vehicles, real property, securities, market entities. Lines are compared in compare.py."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from typing import Any, cast

from verify_service.domain.findings import Finding
from verify_service.domain.interval import Interval
from verify_service.domain.policy import Policy
from verify_service.domain.records import BusinessRole, RealProperty, RecordStatus, Vehicle
from verify_service.domain.request import VerificationRequest
from verify_service.verification.assets import NOT_IN_FORCE, OF_OTHERS, Asset, digests, pieces
from verify_service.verification.holdings import claimants, runs, suspended_until, worth
from verify_service.verification.merge import Merged

_GIVEN_AWAY = frozenset({"sale", "gift"})
_NOT_THERE = frozenset(
    {"not_in_force", "after_the_day", "not_of_the_household", "cancelled", "cancelled_by_force", "transferred_out", "scrapped"}
)
_ROLES = {
    "legal_representative": "BUS-01",
    "sole_trader": "BUS-01",
    "investor": "BUS-02",
    "executive": "BUS-04",
    "cooperative_member": "BUS-07",
}


def _about(code: str, thing: Asset[Any], member: str | None = None, detail: str = "", measured: Interval | None = None) -> Finding:
    unit = None if measured is None else "fen"
    member = member or thing.owners[0]
    return Finding(code, member, about=thing.key, detail=detail, measured=measured, unit=unit, evidence=thing.digests)  # type: ignore[arg-type]


def vehicles(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """VEH-03 business use, VEH-04 transferred out in the look-back, VEH-06 exempt."""
    since = lookback(request.asset_as_of, policy.rules.lookback.months)
    for vehicle in merged.vehicles:
        if vehicle.standing.reason == "business_asset":
            yield _about("VEH-03", vehicle)
        elif vehicle.standing.reason.startswith("exempt_"):
            yield replace(_about("VEH-06", vehicle, detail=vehicle.standing.reason), exemption=f"{policy.code}.exempt_vehicles")
        for row in vehicle.rows:
            left = [t.day for t in cast("Vehicle", row.record).transfers if t.direction == "out" and since <= t.day <= request.asset_as_of]
            if left and row.member in merged.counted and row.member not in _holders(vehicle):
                yield _about("VEH-04", vehicle, row.member)
                break


def claimed_exemptions(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """PRO-09: every claim that a home should not count, whether it puts the home under review or has no place here."""
    homes_by_key = {home.key: home for home in merged.homes}
    for claim in request.household.claimed_exemptions:
        home = homes_by_key.get(claim.about)
        if home is not None and home.standing.reason == claim.ground:
            yield replace(_about("PRO-09", home, detail=claim.ground.value), exemption=f"{policy.code}.exempt_on_review, on review")
        else:
            yield Finding("PRO-09", about=claim.about, detail=f"{claim.ground.value}: not applied")


def homes(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """PRO-04 presale without certificate, PRO-05 given or sold in the look-back, PRO-06 elsewhere, PRO-07 share unknown."""
    since = lookback(request.asset_as_of, policy.rules.lookback.months)
    for home in merged.homes:
        record, standing = home.record, home.standing
        if standing not in {OF_OTHERS, NOT_IN_FORCE}:
            if record.certificate_type == "presale":
                yield _about("PRO-04", home)
            if record.region[:2] != request.region[:2]:
                yield _about("PRO-06", home)
            if home.share is None or home.presumed:
                yield _about("PRO-07", home, detail="equal_shares_presumed" if home.presumed else "not_told")
        for row in home.rows:
            gone = cast("RealProperty", row.record)
            ended = gone.right_ended is not None and since <= gone.right_ended <= request.asset_as_of
            if ended and gone.registration_reason in _GIVEN_AWAY and row.member in merged.counted and row.member not in _holders(home):
                yield _about("PRO-05", home, row.member)
                break


def securities(_request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """SEC-01 value is held, or a flag says so; SEC-03 an open account without value: a fact, and no more than a note."""
    for account in merged.securities:
        if account.standing.counted and account.record.opened:
            value = worth(account)
            yield _about("SEC-03" if value.upper == 0 else "SEC-01", account, measured=value)


def businesses(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """BUS-01, 02, 04, 07 per role; BUS-05 revoked but not ended; BUS-06 the person says that it is not hers.

    The claim suspends the other findings for so many days; after them both are told.
    """
    day = request.asset_as_of
    for entity in merged.businesses:
        if entity.standing.reason in _NOT_THERE:
            continue
        if any(cast("BusinessRole", row.record).registration_status == "revoked" for row in entity.rows):
            yield _about("BUS-05", entity)
        yield from _claims(entity, merged, policy, day)
        on_review = "assets.family_shop_exempt, on review" if entity.standing.reason == "family_shop" else ""
        for member, code in _roles(entity, merged, policy, day):
            own_employer = any(entity.key == wage.employer for wage in merged.income.members[member].wages)
            yield replace(_about(code, entity, member, "own_employer" if own_employer else ""), exemption=on_review)


def _claims(entity: Asset[BusinessRole], merged: Merged, policy: Policy, day: date) -> Iterator[Finding]:
    days, suspended = policy.rules.assets.name_borrow_suspends_days, claimants(entity.rows, policy, day)
    claims = {row.member: r for row in entity.rows if (r := cast("BusinessRole", row.record)).name_borrow_claim}
    for member in sorted(claims.keys() & set(merged.counted)):
        until = suspended_until(claims[member], policy)
        ends = "the day of the claim is not told" if until is None else f"{days} days, until {until}"
        exemption = f"assets.name_borrow_suspends_days: {ends}" if member in suspended else ""
        detail = "" if member in suspended else f"suspended until {until}"
        yield replace(_about("BUS-06", entity, member, detail), exemption=exemption)


def _roles(entity: Asset[BusinessRole], merged: Merged, policy: Policy, day: date) -> list[tuple[str, str]]:
    suspended = claimants(entity.rows, policy, day)
    roles = [(row.member, cast("BusinessRole", row.record)) for row in entity.rows if row.member in merged.counted]
    return sorted({(m, _ROLES[r.role]) for m, r in roles if runs(r, day) and m not in suspended})


def undeclared(request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """VEH-05 and PRO-08: surely more count than the household declared, no word being none; DEC-02: surely fewer are there.

    What is there and does not count, such as an exempt vehicle, may be what was declared: it is no reason for DEC-02.
    """
    said = request.household.declared_assets
    compared: tuple[tuple[str, str, str, Sequence[Asset[Any]], int], ...] = (
        ("VEH-05", "vehicles", "vehicle", merged.vehicles, (said.vehicles if said else None) or 0),
        ("PRO-08", "homes", "property", merged.homes, (said.homes if said else None) or 0),
    )
    for code, name, kind, things, declared in compared:
        silent = merged.evidence.missing((kind,), merged.counted)
        counted, there = [t for t in things if t.standing.counted], [t for t in things if t.standing.reason not in _NOT_THERE]
        if len(counted) > declared:
            measured = pieces(counted, [t for t in things if t.standing.review], silent)
            yield Finding(code, measured=measured, line=declared, unit="pieces", evidence=digests(counted))
        elif not silent and len(there) < declared:
            measured = Interval.of(len(there))
            yield Finding("DEC-02", about=name, measured=measured, line=declared, unit="pieces", evidence=digests(there))


def _holders(thing: Asset[Any]) -> set[str]:
    return {row.member for row in thing.rows if row.record.status is RecordStatus.CURRENT}


def lookback(day: date, months: int) -> date:
    """Return the first day of the look-back: the same day, `months` earlier, or the last of a shorter month."""
    index = day.year * 12 + day.month - 1 - months
    for back in range(4):
        try:
            return date(index // 12, index % 12 + 1, day.day - back)
        except ValueError:
            continue
    raise ValueError("no such day")
