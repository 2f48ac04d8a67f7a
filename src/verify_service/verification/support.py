"""What supporters (赡抚扶养人) are taken to give to members of the household (M21). They themselves stand apart (M23)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from verify_service.domain.household import Household, Member, Support
from verify_service.domain.interval import Interval, divided
from verify_service.domain.policy import Policy

_YEAR = 12


@dataclass(frozen=True, slots=True)
class Supported:
    """What one supporter is taken to give one member over the period, in fen, and by what."""

    supporter: str
    basis: Literal["agreed", "formula"]
    amount: Interval


def support(household: Household, own: Mapping[str, Interval], months: int, policy: Policy) -> dict[str, list[Supported]]:
    """Return what each member receives, by ref. `own` is what the registers and she herself say a supporter receives.

    An agreement or a judgment speaks before the formula: what the supporter's household has above the exempt amount for each
    of its persons, split among all she supports. Without such a rule in force, support is what is declared.
    """
    rule = policy.rules.deductions.support
    given: dict[str, list[Supported]] = {}
    for member in household.members:
        terms = member.support
        if rule is None or terms is None:
            continue
        exempt = divided(rule.exempt_per_person_yearly_fen * terms.household_size * months, _YEAR)
        part = _part(member, terms, own[member.ref].less(exempt).at_least(0))
        for ref in terms.supported:
            given.setdefault(ref, []).append(part)
    return given


def _part(supporter: Member, terms: Support, above: Interval) -> Supported:
    heads = len(terms.supported) + terms.supported_elsewhere
    if terms.agreed_fen is not None:
        return Supported(supporter.ref, "agreed", Interval.of(divided(terms.agreed_fen, heads)))
    return Supported(supporter.ref, "formula", above.per(heads))
