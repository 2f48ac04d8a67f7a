"""Merge all answers into one picture of the household. Pure: the same answers, in any order, give the same picture (M30)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from verify_service.domain.household import Household
from verify_service.domain.interval import Interval
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.policy import Figure, Policy
from verify_service.domain.records import BusinessRole, FundAccount, FurtherRecord, RealProperty, SecuritiesTotal, Vehicle
from verify_service.domain.request import VerificationRequest
from verify_service.sources.definition import FurtherKind, Source
from verify_service.verification.assets import Asset
from verify_service.verification.evidence import NOT_IN_PLAN, Evidence, Pair, Row, gather
from verify_service.verification.figures import Owned, figures, owned_by
from verify_service.verification.further import further_kinds, told_of_persons
from verify_service.verification.income import Income, income


@dataclass(frozen=True, slots=True)
class Merged:
    """The household as the evidence shows it. Assets of persons who do not count are among them, set apart by their standing.

    gaps: the required cells that are not facts, in canonical order. told_of_persons: the rows in force that say something of
    the person herself. own: in single-person mode the beneficiary's own figures and income (M25), else None.
    """

    household: Household
    evidence: Evidence
    counted: tuple[str, ...]
    required: frozenset[Pair]
    gaps: tuple[Pair, ...]
    income: Income
    owned: Owned
    further_kinds: Mapping[str, FurtherKind]
    told_of_persons: Sequence[Row]
    figures: Mapping[Figure, Interval]
    own: "Own | None"

    @property
    def vehicles(self) -> tuple[Asset[Vehicle], ...]:
        """Return every vehicle."""
        return self.owned.vehicles

    @property
    def homes(self) -> tuple[Asset[RealProperty], ...]:
        """Return every unit of real property, homes or not."""
        return self.owned.homes

    @property
    def securities(self) -> tuple[Asset[SecuritiesTotal], ...]:
        """Return every securities account."""
        return self.owned.securities

    @property
    def businesses(self) -> tuple[Asset[BusinessRole], ...]:
        """Return every market entity."""
        return self.owned.businesses

    @property
    def fund_accounts(self) -> tuple[Asset[FundAccount], ...]:
        """Return every account of a housing fund."""
        return self.owned.fund_accounts

    @property
    def further(self) -> tuple[Asset[FurtherRecord], ...]:
        """Return every thing of a kind that a source brings."""
        return self.owned.further

    @property
    def assets(self) -> Iterator[Asset[Any]]:
        """Return every asset of every kind, in canonical order."""
        owned = self.owned
        groups: Sequence[Sequence[Asset[Any]]] = (
            owned.vehicles,
            owned.homes,
            owned.securities,
            owned.businesses,
            owned.fund_accounts,
            owned.further,
        )
        return chain.from_iterable(groups)


@dataclass(frozen=True, slots=True)
class Own:
    """The beneficiary's own figures in single-person mode (单人户)."""

    member: str
    income: Income
    figures: Mapping[Figure, Interval]


def merge(request: VerificationRequest, answers: Sequence[Answer], *, policy: Policy, sources: Mapping[str, Source]) -> Merged:
    """Merge. A cell is required unless its outcome says that it does not apply or was left out of the request.

    Raises ValueError when an asked source has not exactly one answer for every member.
    """
    household = request.household
    evidence = gather(household, answers, sources)
    counted = tuple(m.ref for m in household.members if m.counted)
    earned = income(evidence, household, request.income_period, policy)
    kinds = further_kinds(sources.values())
    owned = owned_by(evidence, request, counted, policy, kinds)
    return Merged(
        household=household,
        evidence=evidence,
        counted=counted,
        gaps=tuple(pair for pair, a in evidence.answers.items() if not usable(a.outcome.code)),
        required=frozenset(pair for pair, a in evidence.answers.items() if a.outcome.code not in NOT_IN_PLAN),
        income=earned,
        owned=owned,
        further_kinds=kinds,
        told_of_persons=told_of_persons(evidence, kinds),
        figures=figures(evidence, request, counted, policy, owned, earned, kinds),
        own=_own(evidence, request, policy, earned, kinds),
    )


def _own(evidence: Evidence, request: VerificationRequest, policy: Policy, earned: Income, kinds: Mapping[str, FurtherKind]) -> Own | None:
    """Look at the same evidence with the beneficiary alone as the household."""
    beneficiary = request.household.beneficiary
    if beneficiary is None:
        return None
    alone = (beneficiary,)
    owned, received = owned_by(evidence, request, alone, policy, kinds), earned.of(beneficiary)
    return Own(beneficiary, received, figures(evidence, request, alone, policy, owned, received, kinds))


def usable(code: OutcomeCode) -> bool:
    """Say whether a cell stands in the way of a final report."""
    return code.is_fact or code in NOT_IN_PLAN
