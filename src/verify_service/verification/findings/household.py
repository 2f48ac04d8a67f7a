"""Findings about the persons themselves: who should or should not count, who has died, who is kin (C2, M24, M27, M28)."""

from collections.abc import Iterator
from datetime import date
from typing import cast

from verify_service.domain.codes import CHILD_RELATIONS, SPOUSE_RELATIONS, Exclusion, Labour, Marital, Role
from verify_service.domain.findings import Finding
from verify_service.domain.household import Member
from verify_service.domain.interval import Interval
from verify_service.domain.policy import Policy
from verify_service.domain.records import FundAccount, PensionBenefit, SocialContribution
from verify_service.domain.request import VerificationRequest
from verify_service.verification.evidence import Row, row_digests
from verify_service.verification.findings.ownership import lookback
from verify_service.verification.merge import Merged
from verify_service.verification.wages import month_of

_DIVORCE_MONTHS = 12  # M27
_PAID = ("benefit", "contribution", "housing_fund")


def members(request: VerificationRequest, _merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """MEM-01 a spouse who is not listed, MEM-02 an adult child without ground, MEM-04 divorced lately, REL-01 kin of an officer."""
    household, day = request.household, request.asset_as_of
    spouse = any(m.relation in SPOUSE_RELATIONS for m in household.members)
    for member in household.members:
        if member.role is Role.APPLICANT and member.marital is Marital.MARRIED and not spouse:
            yield Finding("MEM-01", member.ref)
        if member.counted and _adult_child_without_ground(member, day):
            yield Finding("MEM-02", member.ref, about=member.relation)
        if _divorced_lately(member, day):
            yield Finding("MEM-04", member.ref)
        if member.kin_of_officer is not None:
            yield Finding("REL-01", member.ref, detail=member.kin_of_officer)


def _adult_child_without_ground(member: Member, day: date) -> bool:
    """Say whether a child of age is no student, able to live by herself, and counts on no stated ground (B5)."""
    if member.relation not in CHILD_RELATIONS or member.is_minor(day):
        return False
    return not (member.student or member.labour is Labour.UNABLE or member.severely_disabled or member.belonging is not None)


def _divorced_lately(member: Member, day: date) -> bool:
    """Look at a divorced spouse who is listed apart: her assets are shown and never merged (M27)."""
    since = member.marital_since
    return member.excluded is Exclusion.DIVORCED and since is not None and member.same_address and since > lookback(day, _DIVORCE_MONTHS)


def elsewhere(request: VerificationRequest, _merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """MEM-06: registered in another county than the household lives in (人户分离)."""
    home = request.household.residence_region
    for member in request.household.members:
        hukou = member.hukou_region or request.household.hukou_region
        if member.counted and home is not None and hukou is not None and hukou[:6] != home[:6]:
            yield Finding("MEM-06", member.ref, detail=hukou[:6])


def deaths(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """DTH-01 a counted person whom a register knows as dead, DTH-02 paid after death, DTH-03 two dates that differ (M28)."""
    for member in request.household.members:
        own = [row for kind in _PAID for row in merged.evidence.of_member(kind, member.ref)]
        known = sorted({day for row in own if (day := _stopped_for_death(row)) is not None and day <= request.asset_as_of})
        died = member.died_on or (known[0] if known else None)
        if died is None:
            continue
        evidence = row_digests(own)
        if member.counted:
            yield Finding("DTH-01", member.ref, detail=died.isoformat(), evidence=evidence)
        if known and abs((known[0] - died).days) > policy.rules.tolerances.death_days:
            yield Finding("DTH-03", member.ref, detail=known[0].isoformat(), evidence=evidence)
        late = sorted({month for row in own if (month := _last_paid(row)) > month_of(died)})
        if late:
            yield Finding("DTH-02", member.ref, about=late[-1], measured=Interval.of(len(late)), line=0, unit="pieces", evidence=evidence)


def _stopped_for_death(row: Row) -> date | None:
    return cast("PensionBenefit", row.record).death_stop if row.record.kind == "benefit" else None


def _last_paid(row: Row) -> str:
    return cast("PensionBenefit | SocialContribution | FundAccount", row.record).last_paid_month
