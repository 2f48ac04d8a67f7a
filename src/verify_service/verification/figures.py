"""What some persons own by the evidence, and the figures that lines are compared with: for a household, or one of it (M25)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from verify_service.domain.codes import HomeClaim, HousingNature
from verify_service.domain.interval import Exact, Interval, greatest, total
from verify_service.domain.policy import Figure, Policy
from verify_service.domain.records import BusinessRole, FundAccount, FurtherRecord, RealProperty, SecuritiesTotal, Vehicle
from verify_service.domain.request import VerificationRequest
from verify_service.sources.definition import FurtherKind
from verify_service.verification import further, holdings
from verify_service.verification.assets import Asset, pieces
from verify_service.verification.evidence import Evidence
from verify_service.verification.homes import NON_RESIDENTIAL, area, homes
from verify_service.verification.income import Income
from verify_service.verification.vehicles import FARM_MACHINE, value, vehicles

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
        businesses=tuple(holdings.businesses(evidence, counted, policy, day)),
        fund_accounts=tuple(holdings.fund_accounts(evidence, counted, policy)),
        further=tuple(further.further(evidence, counted, kinds, policy)),
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
        "financial_assets": _financial_assets(evidence, counted, owned, kinds, policy),
        "vehicles": _of(evidence, counted, ("vehicle",), sum(v.standing.counted for v in cars)),
        "vehicle_value": _highest_value(evidence, request, counted, policy, cars),
        "farm_machines": _of(evidence, counted, ("vehicle",), sum(v.standing.reason == FARM_MACHINE for v in cars)),
        "homes": homes_of(owned, evidence, counted) + Interval.of(_public_rental(request, policy)),
        "home_area_per_capita": total([_of(evidence, counted, ("property",), 0), *map(area, units)]).per(len(counted)),
        "non_residential": pieces(
            [h for h in units if h.standing.reason == NON_RESIDENTIAL],
            [h for h in units if h.standing.reason == HomeClaim.ONLY_HOME_AS_SHOP],
            evidence.missing(("property",), counted),
        ),
        "business_capital": total(
            [
                _of(evidence, counted, ("business",), 0),
                *(holdings.capital(e, counted, policy, request.asset_as_of) for e in owned.businesses),
            ]
        ),
    }


def homes_of(owned: Owned, evidence: Evidence, counted: Sequence[str]) -> Interval:
    """Return how many homes the registers know: at least those that count, at most those under review too (M9, M10)."""
    units = owned.homes
    review = [h for h in units if h.standing.review and h.standing.reason != HomeClaim.ONLY_HOME_AS_SHOP]
    return pieces([h for h in units if h.standing.counted], review, evidence.missing(("property",), counted))


def _public_rental(request: VerificationRequest, policy: Policy) -> bool:
    """Say whether the household's public rental contract is a home of its own by the rules (M10)."""
    return policy.programme.public_rental_counts and request.household.housing_nature is HousingNature.PUBLIC_RENTAL


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


def _financial_assets(
    evidence: Evidence, counted: Sequence[str], owned: Owned, kinds: Mapping[str, FurtherKind], policy: Policy
) -> Interval:
    """Return the sum of securities and of every further kind that adds to it (M14); an amount that is not told leaves it open (M15)."""
    adding = [kind for kind, facts in kinds.items() if facts.figure == "financial_assets"]
    balances = [Interval.of(a.record.balance_fen) for a in owned.fund_accounts if a.standing.counted]
    fund = ("housing_fund",) if policy.rules.assets.fund_balance_counts else ()
    known = _of(evidence, counted, (*FINANCIAL_KINDS, *adding, *fund), 0)
    others = (further.worth(thing) for thing in owned.further if thing.record.kind in adding)
    return total([known, *map(holdings.worth, owned.securities), *others, *balances])


def _highest_value(
    evidence: Evidence, request: VerificationRequest, counted: Sequence[str], policy: Policy, cars: Sequence[Asset[Vehicle]]
) -> Interval:
    """Return the value of the most valuable vehicle that counts (M12)."""
    appraised = {a.about: a.value_fen for a in request.household.appraisals}
    values = [value(v, appraised, policy, request.asset_as_of) for v in cars if v.standing.counted]
    return greatest([_of(evidence, counted, ("vehicle",), 0), *values])
