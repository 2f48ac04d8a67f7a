"""Homes: about 5 % of people hold a right (domain reference B10), and every co-owner sees the same home from her side.

A home is drawn for a *group* that owns it, never for a person: for a household, and for two neighbouring households that
inherited it together. Whoever asks draws the same deeds and sees those that name her.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Literal

from verify_service.sandbox.population.buildings import build_home
from verify_service.sandbox.population.names import name_of
from verify_service.sandbox.population.people import household
from verify_service.sandbox.population.stream import DigestStream, spread
from verify_service.sandbox.population.subject import Subject, age_on, birth_of
from verify_service.sandbox.population.truth import CoOwner, RealProperty, Share

_PER_TEN_THOUSAND_HOUSEHOLDS = 690
_PER_TEN_THOUSAND_PAIRS = 80
_COUNTS = spread((82, 1), (14, 2), (3, 3), (1, 5))
_MODES: tuple[Literal["sole", "joint", "shares"], ...] = spread((50, "sole"), (35, "joint"), (15, "shares"))


@dataclass(frozen=True, slots=True)
class Deed:
    """A home and all who own it, each with a share where the home is owned by shares."""

    home: RealProperty
    owners: tuple[tuple[str, Share | None], ...]

    def seen_by(self, id_number: str) -> RealProperty:
        """Return the home with this owner's share and the others as her co-owners."""
        others = tuple(CoOwner(name_of(other), other, share) for other, share in self.owners if other != id_number)
        return replace(self.home, share=dict(self.owners)[id_number], co_owners=others)


def homes_of(subject: Subject) -> tuple[RealProperty, ...]:
    """Return the rights of the person, ended ones and presale contracts among them."""
    if age_on(subject.birth, subject.as_of) < 18:
        return ()
    deeds = (*_household_deeds(subject), *_inherited_deeds(subject))
    return tuple(deed.seen_by(subject.id_number) for deed in deeds if subject.id_number in dict(deed.owners))


def _household_deeds(subject: Subject) -> tuple[Deed, ...]:
    stream = DigestStream(subject.seed, "home", subject.region, subject.place.household)
    if not stream.happens(_PER_TEN_THOUSAND_HOUSEHOLDS * subject.hits):
        return ()
    adults = _adults(subject.members, subject.as_of)
    return tuple(_deed(stream, subject, adults) for _ in range(stream.pick(_COUNTS))) if adults else ()


def _inherited_deeds(subject: Subject) -> tuple[Deed, ...]:
    """Return the home that the first members of households 2k and 2k + 1 inherited, if they did."""
    pair = subject.place.household // 2
    stream = DigestStream(subject.seed, "inheritance", subject.region, pair)
    if not stream.happens(_PER_TEN_THOUSAND_PAIRS * subject.hits):
        return ()
    neighbours = [_adults(household(subject.region, index, subject.as_of), subject.as_of) for index in (2 * pair, 2 * pair + 1)]
    if not all(neighbours):
        return ()
    heirs = [adults[0] for adults in neighbours]
    equal = stream.happens(60, 100)
    home = replace(build_home(stream, subject, heirs), co_ownership="shares" if equal else "joint", registration_reason="inheritance")
    return (Deed(home, tuple((heir, Share(1, 2) if equal else None) for heir in heirs)),)


def _adults(members: Sequence[str], as_of: date) -> list[str]:
    return [member for member in members if age_on(birth_of(member), as_of) >= 18]


def _owners(stream: DigestStream, adults: list[str], mode: str) -> tuple[tuple[str, Share | None], ...]:
    """Return one owner, or the first two adults jointly, or all of them by shares: equal ones, or two thirds and a third."""
    if mode == "sole":
        return ((stream.pick(adults), None),)
    if mode == "joint":
        return tuple((adult, None) for adult in adults[:2])
    if len(adults) == 2 and stream.happens(40, 100):
        return ((adults[0], Share(2, 3)), (adults[1], Share(1, 3)))
    return tuple((adult, Share(1, len(adults))) for adult in adults)


def _deed(stream: DigestStream, subject: Subject, adults: list[str]) -> Deed:
    mode = stream.pick(_MODES) if len(adults) > 1 else "sole"
    home = replace(build_home(stream, subject, adults), co_ownership=mode)
    return Deed(home, _owners(stream, adults, mode))
