"""What some persons own by the evidence, and the figures that lines are compared with: for a household, or one of it (M25)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verify_service.domain.interval import Exact, Interval, greatest, total
from verify_service.domain.policy import Figure, Policy
from verify_service.domain.policy.in_force import plain
from verify_service.domain.records import BusinessRole, FundAccount, FurtherRecord, RealProperty, SecuritiesTotal, Vehicle
from verify_service.domain.request import VerificationRequest
from verify_service.sources.definition import FurtherKind
from verify_service.verification import further, holdings
from verify_service.verification.assets import Asset
from verify_service.verification.evidence import Evidence
from verify_service.verification.homes import homes
from verify_service.verification.income import Income
from verify_service.verification.vehicles import value, vehicles

# M14: what a household's financial assets are made of, whoever tells it. These are kinds of the report, not sources: the rule has
# them also where no register serves one, which then keeps the figure open upwards (`*:insurance`) instead of counting as zero. So
# they cannot be read from the sources that are installed; those only add further kinds to them.
FINANCIAL_KINDS = ("securities", "deposit", "insurance")


@dataclass(frozen=True, slots=True)
class Owned:
    """Every asset of everybody, once; those that are not of the persons asked about are set apart by their standing."""

    vehicles: tuple[Asset[Vehicle], ...]
    homes: tuple[Asset[RealProperty], ...]
    securities: tuple[Asset[SecuritiesTotal], ...]
    businesses: tuple[Asset[BusinessRole], ...]
    fund_accounts: tuple[Asset[FundAccount], ...]
    further: tuple[Asset[FurtherRecord], ...]


def owned_by(
    evidence: Evidence, request: VerificationRequest, counted: tuple[str, ...], policy: Policy, kinds: Mapping[str, FurtherKind]
) -> Owned:
    """Bring the rows together, seen from these persons."""
    day = request.asset_as_of
    return Owned(
        vehicles=tuple(vehicles(evidence, counted, policy, day)),
        homes=tuple(homes(evidence, request.household, counted, policy, day)),
        securities=tuple(holdings.securities(evidence, counted, policy)),
        businesses=tuple(holdings.businesses(evidence, counted, policy)),
        fund_accounts=tuple(holdings.fund_accounts(evidence, counted)),
        further=tuple(further.further(evidence, counted, kinds)),
    )


def figures(  # noqa: PLR0913, PLR0917 - everything there is, once
    evidence: Evidence,
    request: VerificationRequest,
    counted: tuple[str, ...],
    policy: Policy,
    owned: Owned,
    earned: Income,
    kinds: Mapping[str, FurtherKind],
) -> dict[Figure, Interval]:
    """Return every figure of these persons."""
    cars, units = owned.vehicles, owned.homes
    return {
        "income_per_capita_monthly": earned.per_capita,
        "income_after_rigid_expenditure": _after_expenditure(request, earned),
        "financial_assets": _financial_assets(evidence, counted, owned, kinds),
        "vehicles": _of(evidence, counted, ("vehicle",), sum(v.standing.counted for v in cars)),
        "vehicle_value": _highest_value(evidence, request, counted, policy, cars),
        "farm_machines": _of(evidence, counted, ("vehicle",), sum(v.standing.reason == "farm_machine" for v in cars)),
        "homes": _of(evidence, counted, ("property",), sum(h.standing.counted for h in units)),
        "home_area_per_capita": _area(evidence, counted, units).per(len(counted)),
        "non_residential": _of(evidence, counted, ("property",), sum(h.standing.reason == "non_residential" for h in units)),
        "business_capital": total(
            [
                _of(evidence, counted, ("business",), 0),
                *(holdings.capital(e, counted, policy) for e in owned.businesses if e.standing.counted),
            ]
        ),
    }


def _of(evidence: Evidence, counted: Sequence[str], kinds: Sequence[str], known: Exact) -> Interval:
    """Return a figure of the household: exact when every register that serves it answered for every counted member."""
    return Interval.of(known, evidence.missing(kinds, counted))


def _after_expenditure(request: VerificationRequest, earned: Income) -> Interval:
    """Return the monthly income per person less the declared rigid expenditure, never below zero."""
    spent = request.household.declared_expenditure
    if spent is None:
        return earned.per_capita.at_least(0)
    monthly = Interval.of(spent.total_fen).per(request.spending_period.months * earned.persons)
    return earned.per_capita.less(monthly.lower).at_least(0)


def _financial_assets(evidence: Evidence, counted: Sequence[str], owned: Owned, kinds: Mapping[str, FurtherKind]) -> Interval:
    """Return the sum of securities and of every further kind that adds to it (M14); an amount that is not told leaves it open (M15)."""
    adding = [kind for kind, facts in kinds.items() if facts.figure == "financial_assets"]
    known = _of(evidence, counted, (*FINANCIAL_KINDS, *adding), 0)
    others = (further.worth(thing) for thing in owned.further if thing.record.kind in adding)
    return total([known, *map(holdings.worth, owned.securities), *others])


def _highest_value(
    evidence: Evidence, request: VerificationRequest, counted: Sequence[str], policy: Policy, cars: Sequence[Asset[Vehicle]]
) -> Interval:
    """Return the value of the most valuable vehicle that counts (M12)."""
    appraised = {a.about: a.value_fen for a in request.household.appraisals}
    values = [value(v, appraised, policy, request.asset_as_of) for v in cars if v.standing.counted]
    return greatest([_of(evidence, counted, ("vehicle",), 0), *values])


def _area(evidence: Evidence, counted: Sequence[str], units: Sequence[Asset[RealProperty]]) -> Interval:
    """Return the living area in cm2: each counted home by the household's share, whole where the share is unknown (M8)."""
    parts = (u.record.building_area_cm2 * (1 if u.share is None else plain(u.share)) for u in units if u.standing.counted)
    return _of(evidence, counted, ("property",), sum(parts))
