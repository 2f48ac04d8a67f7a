"""A verification request (核对委托): household, consents, two clocks, what is asked for, and the rules it must keep."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta

from pydantic import Field

from verify_service.domain.codes import RELATIONS, ConsentRule, Purpose, Role, Trigger
from verify_service.domain.consent import ALL_SOURCES, Consent, LegalBasis, Part
from verify_service.domain.household import Household
from verify_service.domain.records.base import Month
from verify_service.errors import Violation

_MIN_MONTHS, _MAX_MONTHS = 6, 12


class Staff(Part):
    """A named officer (谁审批、谁负责)."""

    staff_id: str = Field(min_length=1, max_length=32)
    name: str = Field(min_length=1, max_length=100, repr=False)


class Commission(Part):
    """The commissioning organisation (委托单位) and its letter."""

    number: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
    organisation: str = Field(min_length=1, max_length=200)
    region: str = Field(pattern=r"^[0-9]{6}([0-9]{6})?$", description="GB/T 2260, 6 or 12 digits")
    handler: Staff
    reviewer: Staff


class IncomePeriod(Part):
    """The months whose income is compared, both included. Property has its own clock: `asset_as_of`."""

    first: Month
    last: Month

    @property
    def months(self) -> int:
        """Return how many months the period has; not positive when reversed."""
        return (int(self.last[:4]) - int(self.first[:4])) * 12 + int(self.last[5:]) - int(self.first[5:]) + 1


class VerificationRequest(Part):
    """What `POST /v1/verifications` takes. `sources` left out means every register that is connected."""

    client_reference: str | None = Field(default=None, min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+$")
    purpose: Purpose
    trigger: Trigger = Trigger.NEW
    region: str = Field(pattern=r"^[0-9]{6}$", description="whose standards apply (GB/T 2260)")
    commission: Commission
    income_period: IncomePeriod
    asset_as_of: date
    sources: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=64)
    household: Household
    consents: tuple[Consent, ...] = Field(default=(), max_length=200)
    legal_bases: tuple[LegalBasis, ...] = Field(default=(), max_length=200)

    def violations(self, *, today: date, sources: Collection[str], regions: Collection[str]) -> list[Violation]:
        """Return every broken rule that a schema cannot say, with its JSON pointer. No value is repeated."""
        return [*self._who(), *self._when(today), *self._what(sources, regions), *self._consents(today, sources)]

    def _who(self) -> Iterator[Violation]:
        members = self.household.members
        applicants = [i for i, m in enumerate(members) if m.role is Role.APPLICANT]
        if len(applicants) != 1:
            yield Violation("/household/members", "one_applicant", "exactly one member has the role applicant")
        yield from _repeated([m.ref for m in members], "/household/members/{}/ref", "unique_ref")
        yield from _repeated([m.id_number for m in members], "/household/members/{}/id_number", "duplicate_member")
        for i, member in enumerate(members):
            if member.relation not in RELATIONS:
                yield Violation(f"/household/members/{i}/relation", "known_code", "GB/T 4761 relation")
            if member.excluded is not None and member.role is Role.APPLICANT:
                yield Violation(f"/household/members/{i}/excluded", "applicant_counts", "the applicant cannot be excluded")
        if (self.household.mode == "single_person") != (self.household.beneficiary is not None):
            yield Violation("/household/beneficiary", "single_person", "given exactly in single-person mode")
        elif self.household.beneficiary is not None and self.household.beneficiary not in {m.ref for m in members}:
            yield Violation("/household/beneficiary", "known_member", "a member's ref")
        if self.commission.handler.staff_id == self.commission.reviewer.staff_id:
            yield Violation("/commission/reviewer/staff_id", "two_persons", "handler and reviewer are different persons")

    def _when(self, today: date) -> Iterator[Violation]:
        if self.asset_as_of > today:
            yield Violation("/asset_as_of", "not_future", "not after today")
        months = self.income_period.months
        if months < 1:
            yield Violation("/income_period/last", "period_order", "not before the first month")
        elif not _MIN_MONTHS <= months <= _MAX_MONTHS:
            yield Violation("/income_period", "period_length", "6 to 12 months")
        if self.income_period.last >= f"{today:%Y-%m}":
            yield Violation("/income_period/last", "not_future", "before the present month")
        for i, member in enumerate(self.household.members):
            if member.id_number.birth > today:
                yield Violation(f"/household/members/{i}/id_number", "not_future", "born after today")

    def _what(self, sources: Collection[str], regions: Collection[str]) -> Iterator[Violation]:
        if self.region not in regions:
            yield Violation("/region", "known_region", "a region with a policy in force")
        for i, source in enumerate(self.sources or ()):
            if source not in sources:
                yield Violation(f"/sources/{i}", "known_source", "the id of a connected source")
        yield from _repeated(list(self.sources or ()), "/sources/{}", "unique_source")

    def _consents(self, today: date, sources: Collection[str]) -> Iterator[Violation]:
        refs = {m.ref for m in self.household.members}
        yield from _repeated([c.number for c in self.consents], "/consents/{}/number", "unique_number")
        for i, consent in enumerate(self.consents):
            at = f"/consents/{i}"
            if consent.member not in refs:
                yield Violation(f"{at}/member", "known_member", "a member's ref")
            if consent.signed_on > today:
                yield Violation(f"{at}/signed_on", "not_future", "not after today")
            if (consent.valid_rule is ConsentRule.FIXED_DATE) != (consent.valid_until is not None):
                yield Violation(f"{at}/valid_until", "validity_rule", "given exactly with fixed_date")
            if consent.valid_until is not None and consent.valid_until < consent.valid_from:
                yield Violation(f"{at}/valid_until", "period_order", "not before valid_from")
            yield from _known_sources(consent.sources, sources, at, wildcard=True)
        for i, basis in enumerate(self.legal_bases):
            at = f"/legal_bases/{i}"
            if basis.member not in refs:
                yield Violation(f"{at}/member", "known_member", "a member's ref")
            if basis.valid_until < basis.valid_from or basis.valid_until - basis.valid_from > timedelta(days=3660):
                yield Violation(f"{at}/valid_until", "period_order", "after valid_from, at most ten years")
            yield from _known_sources(basis.sources, sources, at, wildcard=False)


def _repeated(values: Sequence[object], pointer: str, rule: str) -> Iterator[Violation]:
    seen: set[object] = set()
    for i, value in enumerate(values):
        if value in seen:
            yield Violation(pointer.format(i), rule, "given once only")
        seen.add(value)


def _known_sources(given: tuple[str, ...], known: Collection[str], at: str, *, wildcard: bool) -> Iterator[Violation]:
    if wildcard and given == (ALL_SOURCES,):
        return
    for i, source in enumerate(given):
        if source not in known:
            yield Violation(f"{at}/sources/{i}", "known_source", 'the id of a connected source, or "*" alone')
