"""The rules for one region, purpose and day, and where they are looked up."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from functools import cache
from typing import Any

import orjson

from verify_service.domain.codes import Purpose
from verify_service.domain.interval import Exact, divided
from verify_service.domain.policy.base import Hukou
from verify_service.domain.policy.calendar import Calendar
from verify_service.domain.policy.rules import Line, Programme, Rules
from verify_service.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Version:
    """One dated version of a province's pack, with the whole rules of every area in it."""

    pack: str
    pack_name: str
    pack_name_zh: str
    version: str
    in_force_from: date
    in_force_to: date | None
    areas: Mapping[str, Rules]
    calendar: Calendar
    digests: Mapping[str, str] = field(init=False)

    def __post_init__(self) -> None:
        """Digest every area's rules once; a report names them by it."""
        made = {region: hashlib.sha256(_canonical(rules)).hexdigest() for region, rules in self.areas.items()}
        object.__setattr__(self, "digests", made)

    def in_force(self, day: date) -> bool:
        """Say whether the version holds on that day."""
        return self.in_force_from <= day and (self.in_force_to is None or day <= self.in_force_to)


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules for one region, purpose and day, resolved. Frozen by reference in every report."""

    version: Version
    day: date
    region: str
    purpose: Purpose
    code: str
    rules: Rules
    programme: Programme

    def due_on(self, accepted: date) -> date:
        """Return the last day on which the report of a request is in time: so many working days after it was accepted (C2)."""
        return self.version.calendar.after(accepted, self.rules.report.due_working_days)

    def valid_until(self, issued: date) -> date:
        """Return the last day on which a report may be relied on."""
        return issued + timedelta(days=self.rules.report.validity_days)

    def objection_until(self, received: date) -> date:
        """Return the last day on which the person may object; working days follow the statutory calendar (C10.11)."""
        report = self.rules.report
        if report.objection_counts == "calendar_days":
            return received + timedelta(days=report.objection_days)
        return self.version.calendar.after(received, report.objection_days)

    def limit(self, line: Line, hukou: Hukou, persons: int) -> Exact:
        """Return the line's value in its figure's unit, unrounded."""
        persons = persons if line.per == "capita" else 1
        if line.standard is None:
            return persons * (line.fixed or 0)
        return persons * _times(line.factor, self.rules.standards.value(line.standard, hukou))

    def dibao(self, hukou: Hukou, times: int | str) -> Exact:
        """Return a multiple of the monthly dibao standard, in fen."""
        return _times(_factor(times), self.rules.standards.dibao_monthly_fen[hukou])


class Policies:
    """All versions of all packs of a deployment."""

    def __init__(self, versions: Iterable[Version]) -> None:
        self._versions = tuple(sorted(versions, key=lambda v: (v.pack, v.in_force_from)))
        self._regions = frozenset(region for version in self._versions for region in version.areas)

    @property
    def versions(self) -> Sequence[Version]:
        """Return every version, by province and date."""
        return self._versions

    @property
    def regions(self) -> frozenset[str]:
        """Return every region that some version has rules for."""
        return self._regions

    def calendar(self, region: str) -> Calendar:
        """Return the working days of a region's province; where no pack knows it, only weekends are off."""
        return next((version.calendar for version in self._versions if version.pack[:2] == region[:2]), Calendar())

    def in_force(self, region: str, purpose: Purpose, day: date) -> Policy:
        """Return the rules of a day. Raises InvalidInput when no version in force covers region and purpose."""
        for version in self._versions:
            if version.in_force(day) and region in version.areas:
                return _resolved(version, day, region, purpose)
        raise InvalidInput.at("/asset_as_of", "policy_in_force", "a day on which this region has rules in force")


def _resolved(version: Version, day: date, region: str, purpose: Purpose) -> Policy:
    rules = version.areas[region]
    for code, programme in rules.programmes.items():
        if purpose in programme.purposes:
            return Policy(version, day, region, purpose, code, rules, programme)
    raise InvalidInput.at("/purpose", "policy_in_force", "a purpose that the rules of this region cover on that day")


def _canonical(rules: Rules) -> bytes:
    return orjson.dumps(_sorted(rules.model_dump(mode="json")), option=orjson.OPT_SORT_KEYS)


def _sorted(value: Any) -> Any:
    """Bring what came from sets into one order; the order of other lists is not told apart, which no rule depends on."""
    if isinstance(value, dict):
        return {key: _sorted(part) for key, part in value.items()}
    return sorted(map(_sorted, value), key=repr) if isinstance(value, list) else value


def _times(factor: Fraction, standard: int) -> Exact:
    """Multiply exactly, with integers alone where the product is whole."""
    return divided(factor.numerator * standard, factor.denominator)


@cache
def _factor(times: int | str) -> Fraction:
    """Read a multiple of the rules, of which a deployment has a few dozen; reading one takes longer than multiplying."""
    return Fraction(times)


def plain(value: Fraction) -> Exact:
    """Return a whole fraction as an integer; arithmetic on integers is faster and just as exact."""
    return value.numerator if value.denominator == 1 else value
