"""Findings of lines that are surely passed (超限), each with the evidence of what its figure was made from."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

from verify_service.domain.findings import Finding
from verify_service.domain.policy import UNITS, Figure
from verify_service.verification.assets import COUNTED, digests
from verify_service.verification.compare import Compared
from verify_service.verification.evidence import row_digests
from verify_service.verification.homes import NON_RESIDENTIAL
from verify_service.verification.merge import Merged
from verify_service.verification.vehicles import FARM_MACHINE

# Of which things, and of which standing, a figure is made; all others are made of income.
_MADE_OF: Mapping[Figure, tuple[Sequence[str], str]] = {
    "vehicles": (("vehicles",), COUNTED.reason),
    "vehicle_value": (("vehicles",), COUNTED.reason),
    "farm_machines": (("vehicles",), FARM_MACHINE),
    "homes": (("homes",), COUNTED.reason),
    "home_area_per_capita": (("homes",), COUNTED.reason),
    "non_residential": (("homes",), NON_RESIDENTIAL),
    "financial_assets": (("securities", "fund_accounts", "further"), COUNTED.reason),
    "business_capital": (("businesses",), COUNTED.reason),
}


def exceeded(compared: Sequence[Compared], merged: Merged) -> Iterator[Finding]:
    """Raise the finding of every line that is surely passed."""
    for c in compared:
        if c.result == "exceeds":
            where = {"about": c.code, "unit": UNITS[c.line.figure], "clause": c.line.clause}
            evidence = _evidence(c.line.figure, merged, c.of)
            yield Finding(c.line.finding, c.of, measured=c.measured, line=c.value, evidence=evidence, **where)  # type: ignore[arg-type]


def _evidence(figure: Figure, merged: Merged, of: str | None) -> tuple[str, ...]:
    if figure not in _MADE_OF:
        return of_income(merged, merged.income.in_total if of is None else (of,))
    groups, reason = _MADE_OF[figure]
    things = chain.from_iterable(getattr(merged.owned, group) for group in groups)
    return digests(t for t in things if t.standing.reason == reason and (of is None or of in t.owners))


def of_income(merged: Merged, members: Iterable[str]) -> tuple[str, ...]:
    """Return the digests of the raw answers that prove what these members received."""
    received = [merged.income.members[ref] for ref in members]
    wages, benefits = (w.rows for m in received for w in m.wages), (b.rows for m in received for b in m.benefits)
    return row_digests(chain.from_iterable((*wages, *benefits)))
