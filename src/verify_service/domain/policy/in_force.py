"""The rules for one region, purpose and day, and where they are looked up."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from verify_service.domain.codes import Purpose
from verify_service.domain.interval import Exact
from verify_service.domain.policy.pack import Hukou, Line, LocalRules, PackVersion, PolicyPack, Programme
from verify_service.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for one region, purpose and day, resolved. Frozen by reference in every report."""

    pack: str
    pack_name: str
    region: str
    purpose: Purpose
    local: LocalRules
    programme: Programme
    rules: PackVersion

    @property
    def report_validity_days(self) -> int:
        """Return for how many days a report may be relied on."""
        return self.rules.report_validity_days

    @property
    def objection_window_days(self) -> int:
        """Return within how many days the person may object."""
        return self.rules.objection_window_days

    def limit(self, line: Line, hukou: Hukou, persons: int) -> Exact:
        """Return the line's value in its figure's unit, unrounded."""
        persons = persons if line.per == "capita" else 1
        if line.standard is None:
            return persons * (line.fixed or 0)
        return persons * plain(line.factor * self.local.standards.value(line.standard, hukou))

    def dibao(self, hukou: Hukou, times: int | str) -> Exact:
        """Return a multiple of the monthly dibao standard, in fen."""
        return plain(Fraction(times) * self.local.standards.dibao_monthly_fen[hukou])


class Policies:
    """All packs of a deployment."""

    def __init__(self, packs: Iterable[PolicyPack]) -> None:
        self._packs = tuple(packs)

    @property
    def packs(self) -> tuple[PolicyPack, ...]:
        """Return the packs, as their files hold them."""
        return self._packs

    @property
    def regions(self) -> frozenset[str]:
        """Return every region that some version has rules for."""
        return frozenset(region for pack in self._packs for version in pack.versions for region in version.regions)

    def in_force(self, region: str, purpose: Purpose, day: date) -> Policy:
        """Return the rules of a day. Raises InvalidInput when no version in force covers region and purpose."""
        for pack in self._packs:
            for version in pack.versions:
                if version.in_force(day) and region in version.regions:
                    return _resolved(pack, version, region, purpose)
        raise InvalidInput.at("/asset_as_of", "policy_in_force", "a day on which this region has rules in force")


def _resolved(pack: PolicyPack, version: PackVersion, region: str, purpose: Purpose) -> Policy:
    for programme in version.programmes:
        if purpose in programme.purposes:
            return Policy(pack.region, pack.name_zh, region, purpose, version.regions[region], programme, version)
    raise InvalidInput.at("/purpose", "policy_in_force", "a purpose that the rules of this region cover on that day")


def plain(value: Fraction) -> Exact:
    """Return a whole fraction as an integer; arithmetic on integers is faster and just as exact."""
    return value.numerator if value.denominator == 1 else value
