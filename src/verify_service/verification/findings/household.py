"""Findings about the persons themselves: who should or should not count, who has died, who is kin (C2, M24, M27, M28)."""

from collections.abc import Iterator
from datetime import date

from verify_service.domain.codes import CHILD_RELATIONS, SPOUSE_RELATIONS, Exclusion, Labour, Marital, Role
from verify_service.domain.findings import Finding
from verify_service.domain.household import Member
from verify_service.domain.interval import Interval
from verify_service.domain.policy import Policy
from verify_service.domain.records import FurtherRecord, PensionBenefit
from verify_service.domain.request import VerificationRequest
from verify_service.verification.evidence import Row, row_digests
from verify_service.verification.findings.ownership import lookback
from verify_service.verification.findings.persons import facts_of
from verify_service.verification.merge import Merged
from verify_service.verification.wages import month_of

_PAID = ("benefit", "contribution", "housing_fund")


def members(request: VerificationRequest, _merged: Merged, policy: Policy) -> Iterator[Finding]:
    """MEM-01 a spouse who is not listed, MEM-02 an adult child without ground, MEM-04 divorced lately, REL-01 kin of an officer."""
    household, day = request.household, request.asset_as_of
    spouse = any(m.relation in SPOUSE_RELATIONS for m in household.members)
    for member in household.members:
        if member.role is Role.APPLICANT and member.marital is Marital.MARRIED and not spouse:
            yield Finding("MEM-01", member.ref)
        if member.counted and _adult_child_without_ground(member, day):
            yield Finding("MEM-02", member.ref, about=member.relation)
        if _divorced_lately(member, lookback(day, policy.rules.lookback.divorce_months)):
            yield Finding("MEM-04", member.ref)
        if member.kin_of_officer is not None:
            yield Finding("REL-01", member.ref, detail=member.kin_of_officer)


def _adult_child_without_ground(member: Member, day: date) -> bool:
    """Say whether a child of age is no student, able to live by herself, and counts on no stated ground (B5)."""
    if member.relation not in CHILD_RELATIONS or member.is_minor(day):
        return False
    return not (member.student or member.labour is Labour.UNABLE or member.severely_disabled or member.belonging is not None)


def _divorced_lately(member: Member, after: date) -> bool:
    """Look at a divorced spouse who is listed apart: her assets are shown and never merged (M27)."""
    since = member.marital_since
    return member.excluded is Exclusion.DIVORCED and since is not None and member.same_address and since > after


def elsewhere(request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """MEM-06: registered in another county than the household lives in (人户分离), by a register or else as declared."""
    home = request.household.residence_region
    if home is None:
        return
    registered = {row.member: place for row in merged.told_of_persons if (place := facts_of(row).hukou_region) is not None}
    for member in request.household.members:
        hukou = registered.get(member.ref) or member.hukou_region or request.household.hukou_region
        if member.counted and hukou is not None and hukou[:6] != home[:6]:
            yield Finding("MEM-06", member.ref, detail=hukou[:6])


def deaths(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """DTH-01 a counted person whom a register knows as dead, DTH-02 paid after death, DTH-03 dates that differ (M28)."""
    for member in request.household.members:
        own = [row for kind in _PAID for row in merged.evidence.of_member(kind, member.ref)]
        own += [row for row in merged.told_of_persons if row.member == member.ref]
        known = sorted({day for row in own if (day := _death(row)) is not None and day <= request.asset_as_of})
        died = member.died_on or (known[0] if known else None)
        if died is None:
            continue
        evidence, dates = row_digests(own), sorted({died, *known})
        if member.counted:
            yield Finding("DTH-01", member.ref, detail=died.isoformat(), evidence=evidence)
        if (dates[-1] - dates[0]).days > policy.rules.tolerances.death_days:
            other = dates[0] if dates[-1] == died else dates[-1]
            yield Finding("DTH-03", member.ref, detail=other.isoformat(), evidence=evidence)
        paid = [month for row in own if (month := _last_paid(row)) is not None and month > month_of(died)]
        if paid:
            late = Interval.of(_months_between(month_of(died), max(paid)))
            yield Finding("DTH-02", member.ref, about=max(paid), measured=late, line=0, unit="pieces", evidence=evidence)


def _months_between(first: str, last: str) -> int:
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:]) - int(first[5:])


def _death(row: Row) -> date | None:
    record = row.record
    if isinstance(record, PensionBenefit):
        return record.death_stop
    return record.person.died_on if isinstance(record, FurtherRecord) and record.person is not None else None


def _last_paid(row: Row) -> str | None:
    return getattr(row.record, "last_paid_month", None)
