"""The household's rules: one applicant, every person once, relations and facts that agree with each other (C2, B5)."""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from datetime import date

from verify_service.domain.checks.common import known, repeated
from verify_service.domain.codes import APPLICANT_RELATION, RELATIONS, SPOUSE_RELATIONS, Exclusion, Marital, Role, SinglePersonGround
from verify_service.domain.household import DeclaredAssets, Household, Member
from verify_service.errors import Violation


def kind_violations(assets: DeclaredAssets | None, kinds: AbstractSet[str], at: str) -> Iterator[Violation]:
    """Find amounts of a kind that no source brings: nothing would ever be compared with them."""
    if assets is not None and not kinds >= assets.further_fen.keys():
        yield Violation(f"{at}/further_fen", "known_kind", f"amounts by kind of asset: {', '.join(sorted(kinds)) or 'none'}")


def household_violations(household: Household, today: date) -> Iterator[Violation]:
    """Return every broken rule about the persons."""
    members = household.members
    if sum(m.role is Role.APPLICANT for m in members) != 1:
        yield Violation("/household/members", "one_applicant", "exactly one member has the role applicant")
    yield from repeated([m.ref for m in members], "/household/members/{}/ref", "unique_ref")
    yield from repeated([m.id_number for m in members], "/household/members/{}/id_number", "duplicate_member")
    refs = {m.ref for m in members}
    for i, member in enumerate(members):
        for field, rule, detail in (*_identity(member, today), *_standing(member, today), *_support(member)):
            yield Violation(f"/household/members/{i}/{field}", rule, detail)
        if member.support is not None:
            at = f"/household/members/{i}/support/supported"
            yield from known(member.support.supported, refs - {member.ref}, at, "known_member", "another member's ref")
    yield from _spouses(household)
    yield from _single_person(household, refs)
    if household.head is not None and household.head not in refs:
        yield Violation("/household/head", "known_member", "a member's ref")
    yield from repeated([a.about for a in household.appraisals], "/household/appraisals/{}/about", "unique_appraisal")
    yield from repeated([c.about for c in household.claimed_exemptions], "/household/claimed_exemptions/{}/about", "unique_claim")
    for i, appraisal in enumerate(household.appraisals):
        if appraisal.day > today:
            yield Violation(f"/household/appraisals/{i}/day", "not_future", "not after today")
    if household.residence_since is not None and household.residence_since > today:
        yield Violation("/household/residence_since", "not_future", "not after today")


Broken = tuple[str, str, str]


def _identity(member: Member, today: date) -> Iterator[Broken]:
    number = member.id_number
    if number.birth > today:
        yield "id_number", "not_future", "born after today"
    if member.birth is not None and member.birth != number.birth:
        yield "birth", "agrees_with_id", "the birth date in the identity number"
    if member.sex is not None and member.sex != number.sex:
        yield "sex", "agrees_with_id", "the sex in the identity number"
    if member.relation not in RELATIONS:
        yield "relation", "known_code", "GB/T 4761 relation"
    if (member.role is Role.APPLICANT) != (member.relation == APPLICANT_RELATION):
        yield "relation", "applicant_is_self", "01 (本人) exactly for the applicant: relations are to the applicant"


def _standing(member: Member, today: date) -> Iterator[Broken]:
    if member.excluded is not None and member.role in {Role.APPLICANT, Role.SUPPORTER}:
        yield "excluded", "applicant_counts", "the applicant cannot be excluded, and a supporter never counts"
    if member.excluded is not None and member.returned is not None:
        yield "returned", "excluded_or_returned", "who has come back counts again"
    if (member.excluded is Exclusion.DECEASED) != (member.died_on is not None):
        yield "died_on", "deceased", "given exactly for a person excluded as deceased"
    for name in ("died_on", "marital_since"):
        day = getattr(member, name)
        if day is not None and not member.id_number.birth <= day <= today:
            yield name, "not_future", "between birth and today"
    if member.excluded is Exclusion.DIVORCED and (member.marital is not Marital.DIVORCED or member.marital_since is None):
        yield "marital_since", "divorced", "a divorced spouse is marked divorced, with the day"
    if member.disability_type is not None and member.disability_level is None:
        yield "disability_level", "disability", "given with the type"


def _support(member: Member) -> Iterator[Broken]:
    if member.support is not None and member.role is not Role.SUPPORTER:
        yield "support", "supporter_only", "only a supporter (赡抚扶养人) owes support"


def _spouses(household: Household) -> Iterator[Violation]:
    """Find a second spouse of the applicant, and spouses who do not both say that they are married."""
    spouses = [i for i, m in enumerate(household.members) if m.relation in SPOUSE_RELATIONS and m.excluded is not Exclusion.DIVORCED]
    for i in spouses[1:]:
        yield Violation(f"/household/members/{i}/relation", "one_spouse", "an applicant has at most one spouse")
    applicant = next((m for m in household.members if m.role is Role.APPLICANT), None)
    if not spouses or applicant is None:
        return
    people = {i: household.members[i] for i in spouses} | {household.members.index(applicant): applicant}
    for i, member in people.items():
        if member.marital is not None and member.marital is not Marital.MARRIED:
            yield Violation(f"/household/members/{i}/marital", "spouses_are_married", "20 (已婚), or not given")


def _single_person(household: Household, refs: set[str]) -> Iterator[Violation]:
    single = household.mode == "single_person"
    if single != (household.beneficiary is not None):
        yield Violation("/household/beneficiary", "single_person", "given exactly in single-person mode")
    if single != (household.ground is not None):
        yield Violation("/household/ground", "single_person", "given exactly in single-person mode")
    if household.beneficiary is not None and household.beneficiary not in refs:
        yield Violation("/household/beneficiary", "known_member", "a member's ref")
    beneficiary = next((m for m in household.members if m.ref == household.beneficiary), None)
    if beneficiary is not None and not beneficiary.counted:
        yield Violation("/household/beneficiary", "beneficiary_counts", "a member who counts")
    if beneficiary is not None and household.ground is not None and not _ground_holds(beneficiary, household.ground):
        yield Violation("/household/ground", "ground_agrees", "what is declared of the beneficiary shows the ground")


def _ground_holds(member: Member, ground: SinglePersonGround) -> bool:
    if ground is SinglePersonGround.SEVERE_DISABILITY:
        return member.severely_disabled
    return member.serious_disease or ground is SinglePersonGround.CLERGY
