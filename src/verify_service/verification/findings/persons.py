"""Findings about persons that registers raise: what they say of marriage, family, residence and death (C2, M27, M28).

A register of persons brings a kind of its own whose rows carry PersonFacts; the property register tells of a division of
property at divorce.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import cast

from verify_service.domain.codes import CHILD_RELATIONS, PARENT_RELATIONS, SPOUSE_RELATIONS, Marital
from verify_service.domain.findings import Finding
from verify_service.domain.household import Household, Member
from verify_service.domain.policy import Policy
from verify_service.domain.records import FurtherRecord, PersonFacts, RealProperty
from verify_service.domain.request import VerificationRequest
from verify_service.verification.evidence import Row, row_digests
from verify_service.verification.findings.ownership import lookback
from verify_service.verification.merge import Merged

_ADULT_YEARS = 18


def facts_of(row: Row) -> PersonFacts:
    """Return what such a row says."""
    return cast("PersonFacts", cast("FurtherRecord", row.record).person)


def persons(request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """ID-04 registration cancelled, MEM-01 spouse or minor child not listed, MEM-02 away, MEM-05 supporter not listed."""
    people = {m.ref: m for m in request.household.members}
    listed = {m.id_number for m in people.values()}
    for row in merged.told_of_persons:
        member, facts, evidence = people[row.member], facts_of(row), row_digests([row])
        if facts.hukou_cancelled and member.counted:
            yield Finding("ID-04", member.ref, row.source.id, evidence=evidence)
        if facts.away is not None and member.counted:
            yield Finding("MEM-02", member.ref, row.source.id, about=facts.away.value, evidence=evidence)
        numbered = ((r.id_number, r.relation) for r in facts.relatives if member.counted and r.id_number is not None)
        unlisted = {_belongs(relation, number.age(request.asset_as_of)) for number, relation in numbered if number not in listed}
        for code in sorted(filter(None, unlisted)):
            yield Finding(code, member.ref, row.source.id, evidence=evidence)


def _belongs(relation: str, years: int) -> str | None:
    """Return the finding of a relative of this age who is not listed: she should count (MEM-01), or owes support (MEM-05)."""
    if relation in SPOUSE_RELATIONS or (relation in CHILD_RELATIONS and years < _ADULT_YEARS):
        return "MEM-01"
    return "MEM-05" if relation in CHILD_RELATIONS | PARENT_RELATIONS else None


def marriages(request: VerificationRequest, merged: Merged, policy: Policy) -> Iterator[Finding]:
    """MEM-03 a register knows another marital status than declared; MEM-04 a divorce of late, and a spouse at the same address."""
    after = lookback(request.asset_as_of, policy.rules.lookback.divorce_months)
    people = {m.ref: m for m in request.household.members}
    told = [*_of_persons(merged), *_of_property(merged)]
    for row, marital, since in told:
        member = people[row.member]
        lately = marital is Marital.DIVORCED and since is not None and after < since <= request.asset_as_of
        later = since is not None and member.marital_since is not None and member.marital_since > since
        if _differs(member, row, marital, lately=lately) and not later:
            yield Finding("MEM-03", member.ref, row.source.id, detail=marital.value, evidence=row_digests([row]))
        if lately and not later and _spouse_at_home(member, request.household):
            yield Finding("MEM-04", member.ref, row.source.id, evidence=row_digests([row]))


_Told = tuple[Row, Marital, date | None]


def _of_persons(merged: Merged) -> Iterable[_Told]:
    return ((row, f.marital, f.marital_since) for row in merged.told_of_persons if (f := facts_of(row)).marital is not None)


def _of_property(merged: Merged) -> Iterator[_Told]:
    """Find what a person has got when property was divided at divorce (离婚析产), once for each person: the latest."""
    latest: dict[str, tuple[date, Row]] = {}
    for row in merged.evidence.of("property"):
        record = cast("RealProperty", row.record)
        if record.registration_reason == "divorce" and record.registered > latest.get(row.member, (date.min,))[0]:
            latest[row.member] = record.registered, row
    return ((row, Marital.DIVORCED, day) for day, row in latest.values())


def _differs(member: Member, row: Row, marital: Marital, *, lately: bool) -> bool:
    """Compare with what is declared.

    A register's status of today differs from any other; a division of property only from never married, one of late from married.
    """
    declared = member.marital
    if declared is None or declared is marital:
        return False
    if row.record.kind == "property":
        return declared is Marital.UNMARRIED or (lately and declared is Marital.MARRIED)
    return True


def _spouse_at_home(member: Member, household: Household) -> bool:
    """Say whether the applicant, or her spouse, is listed with a spouse at the household's address."""
    spouses = [m for m in household.members if m.relation in SPOUSE_RELATIONS and m.same_address]
    return bool(spouses) and (member.relation == "01" or member in spouses)
