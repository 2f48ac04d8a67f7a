"""Merge all answers into one picture of the household. Pure: the same answers, in any order, give the same picture (M30)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from verify_service.domain.household import Household
from verify_service.domain.interval import Exact, Interval, total
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.policy import Figure, Policy
from verify_service.domain.policy.in_force import plain
from verify_service.domain.records import BusinessRole, FundAccount, FurtherRecord, RealProperty, SecuritiesTotal, Vehicle
from verify_service.domain.request import VerificationRequest
from verify_service.sources.definition import FurtherKind, Source
from verify_service.verification.assets import Asset
from verify_service.verification.evidence import NOT_IN_PLAN, Evidence, Pair, gather
from verify_service.verification.further import further, further_kinds, worth
from verify_service.verification.holdings import businesses, fund_accounts, securities, securities_value, subscribed
from verify_service.verification.homes import homes
from verify_service.verification.income import Income, income
from verify_service.verification.vehicles import vehicles

# M14: what a household's financial assets are made of. Kinds that no register serves keep the figure open upwards.
FINANCIAL_KINDS = ("securities", "deposit", "insurance")


@dataclass(frozen=True, slots=True)
class Merged:
    """The household as the evidence shows it. Assets of persons who do not count are among them, set apart by their standing.

    gaps: the required cells that are not facts, in canonical order.
    """

    household: Household
    evidence: Evidence
    counted: tuple[str, ...]
    required: frozenset[Pair]
    gaps: tuple[Pair, ...]
    income: Income
    vehicles: tuple[Asset[Vehicle], ...]
    homes: tuple[Asset[RealProperty], ...]
    securities: tuple[Asset[SecuritiesTotal], ...]
    businesses: tuple[Asset[BusinessRole], ...]
    fund_accounts: tuple[Asset[FundAccount], ...]
    further: tuple[Asset[FurtherRecord], ...]
    further_kinds: Mapping[str, FurtherKind]
    figures: Mapping[Figure, Interval]

    @property
    def assets(self) -> Iterator[Asset[Any]]:
        """Return every asset of every kind, in canonical order."""
        groups: Sequence[Sequence[Asset[Any]]] = (
            self.vehicles,
            self.homes,
            self.securities,
            self.businesses,
            self.fund_accounts,
            self.further,
        )
        return chain.from_iterable(groups)


def merge(request: VerificationRequest, answers: Sequence[Answer], *, policy: Policy, sources: Mapping[str, Source]) -> Merged:
    """Merge. A cell is required unless its outcome says that it does not apply or was left out of the request.

    Raises ValueError when an asked source has not exactly one answer for every member.
    """
    household = request.household
    evidence = gather(household, answers, sources)
    counted = tuple(m.ref for m in household.members if m.counted)
    earned = income(evidence, household, request.income_period, policy)
    cars = tuple(vehicles(evidence, counted, policy))
    units = tuple(homes(evidence, household, counted, policy))
    holdings = tuple(securities(evidence, counted))
    entities = tuple(businesses(evidence, counted))
    kinds = further_kinds(sources.values())
    others = tuple(further(evidence, counted, kinds))
    return Merged(
        household=household,
        evidence=evidence,
        counted=counted,
        gaps=tuple(pair for pair, a in evidence.answers.items() if not usable(a.outcome.code)),
        required=frozenset(pair for pair, a in evidence.answers.items() if a.outcome.code not in NOT_IN_PLAN),
        income=earned,
        vehicles=cars,
        homes=units,
        securities=holdings,
        businesses=entities,
        fund_accounts=tuple(fund_accounts(evidence, counted)),
        further=others,
        further_kinds=kinds,
        figures={
            "income_per_capita_monthly": earned.per_capita,
            "financial_assets": _financial_assets(evidence, counted, holdings, others, kinds),
            "vehicles": _of(evidence, counted, ("vehicle",), sum(v.standing.counted for v in cars)),
            "homes": _of(evidence, counted, ("property",), sum(h.standing.counted for h in units)),
            "home_area_per_capita": _area(evidence, counted, units).per(len(counted)),
            "non_residential": _of(evidence, counted, ("property",), sum(h.standing.reason == "non_residential" for h in units)),
            "business_subscribed": total(
                [_of(evidence, counted, ("business",), 0), *(subscribed(e, counted) for e in entities if e.standing.counted)]
            ),
        },
    )


def _of(evidence: Evidence, counted: Sequence[str], kinds: Sequence[str], known: Exact) -> Interval:
    """Return a figure of the household: exact when every register that serves it answered for every counted member."""
    return Interval.of(known, evidence.missing(kinds, counted))


def _financial_assets(
    evidence: Evidence,
    counted: Sequence[str],
    holdings: Sequence[Asset[SecuritiesTotal]],
    others: Sequence[Asset[FurtherRecord]],
    kinds: Mapping[str, FurtherKind],
) -> Interval:
    """Return the sum of securities and of every further kind that adds to it (M14); an amount that is not told leaves it open (M15)."""
    adding = [kind for kind, facts in kinds.items() if facts.figure == "financial_assets"]
    known = _of(evidence, counted, (*FINANCIAL_KINDS, *adding), _securities_total(holdings))
    return total([known, *(worth(thing) for thing in others if thing.record.kind in adding)]) if adding else known


def _securities_total(holdings: Sequence[Asset[SecuritiesTotal]]) -> int:
    return sum(securities_value(account.record) for account in holdings if account.standing.counted)


def _area(evidence: Evidence, counted: Sequence[str], units: Sequence[Asset[RealProperty]]) -> Interval:
    """Return the living area in cm2: each counted home by the household's share, whole where the share is unknown (M8)."""
    parts = (u.record.building_area_cm2 * (1 if u.share is None else plain(u.share)) for u in units if u.standing.counted)
    return _of(evidence, counted, ("property",), sum(parts))


def usable(code: OutcomeCode) -> bool:
    """Say whether a cell stands in the way of a final report."""
    return code.is_fact or code in NOT_IN_PLAN
