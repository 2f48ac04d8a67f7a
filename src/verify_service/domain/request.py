"""A verification request (核对委托): household, consents, two clocks, what is asked for, and the rules it must keep."""

from collections.abc import Collection, Iterator
from collections.abc import Set as AbstractSet
from datetime import date
from typing import Literal

from pydantic import Field

from verify_service.domain.checks import consent_violations, household_violations, kind_violations, known, repeated
from verify_service.domain.codes import Purpose, Trigger
from verify_service.domain.consent import Consent, LegalBasis, Part
from verify_service.domain.household import Household, Region
from verify_service.domain.organisation import credit_code_holds
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
    organisation_code: str | None = Field(default=None, pattern=r"^[0-9A-Z]{18}$", description="unified social credit code (GB 32100)")
    level: Literal["township", "county", "city", "province"] | None = None
    region: Region
    handler: Staff
    reviewer: Staff


class Period(Part):
    """Whole months, both included. Income has this clock; property has its own: `asset_as_of`."""

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
    income_period: Period
    expenditure_period: Period | None = Field(default=None, description="left out: the income period")
    asset_as_of: date
    sources: tuple[str, ...] | None = Field(default=None, min_length=1, max_length=64)
    household: Household
    consents: tuple[Consent, ...] = Field(default=(), max_length=200)
    legal_bases: tuple[LegalBasis, ...] = Field(default=(), max_length=200)

    def violations(self, *, today: date, sources: Collection[str], regions: Collection[str], kinds: AbstractSet[str]) -> list[Violation]:
        """Return every broken rule that a schema cannot say, with its JSON pointer. No value is repeated.

        `kinds`: of asset, that the sources bring.
        """
        return [
            *household_violations(self.household, today),
            *kind_violations(self.household.declared_assets, kinds, "/household/declared_assets"),
            *self._commission(),
            *self._when(today),
            *self._what(sources, regions),
            *consent_violations(self.household, self.consents, self.legal_bases, sources, today),
        ]

    def _commission(self) -> Iterator[Violation]:
        if self.commission.handler.staff_id == self.commission.reviewer.staff_id:
            yield Violation("/commission/reviewer/staff_id", "two_persons", "handler and reviewer are different persons")
        code = self.commission.organisation_code
        if code is not None and not credit_code_holds(code):
            yield Violation("/commission/organisation_code", "gb_32100", "a unified social credit code whose check character holds")

    def _when(self, today: date) -> Iterator[Violation]:
        if self.asset_as_of > today:
            yield Violation("/asset_as_of", "not_future", "not after today")
        yield from _period(self.income_period, "/income_period", _MIN_MONTHS, today)
        if self.expenditure_period is not None:
            yield from _period(self.expenditure_period, "/expenditure_period", 1, today)

    def _what(self, sources: Collection[str], regions: Collection[str]) -> Iterator[Violation]:
        if self.region not in regions:
            yield Violation("/region", "known_region", "a region with a policy in force")
        yield from known(self.sources or (), sources, "/sources", "known_source", "the id of a connected source")
        yield from repeated(list(self.sources or ()), "/sources/{}", "unique_source")

    @property
    def spending_period(self) -> Period:
        """Return the months whose rigid expenditure is declared."""
        return self.expenditure_period or self.income_period


def _period(period: Period, at: str, least: int, today: date) -> Iterator[Violation]:
    months = period.months
    if months < 1:
        yield Violation(f"{at}/last", "period_order", "not before the first month")
    elif not least <= months <= _MAX_MONTHS:
        yield Violation(at, "period_length", f"{least} to {_MAX_MONTHS} months")
    if period.last >= f"{today:%Y-%m}":
        yield Violation(f"{at}/last", "not_future", "before the present month")
