"""Compare the household's figures with the lines in force. 仅作对照,不作认定: a comparison is never a decision."""

from collections.abc import Iterator
from dataclasses import dataclass

from verify_service.domain.findings import Finding
from verify_service.domain.interval import Comparison, Exact, Interval
from verify_service.domain.policy import UNITS, Line, Policy
from verify_service.verification.merge import Merged


@dataclass(frozen=True, slots=True)
class Compared:
    """One line with what was measured, both exact, and on which side the measured interval lies."""

    line: Line
    measured: Interval
    value: Exact
    result: Comparison


def compare(merged: Merged, policy: Policy) -> list[Compared]:
    """Compare every line of the programme, in its order. Unrounded (C10.10)."""
    return [_compared(line, merged, policy) for line in policy.programme.lines]


def _compared(line: Line, merged: Merged, policy: Policy) -> Compared:
    value = policy.limit(line, merged.household.hukou, len(merged.counted))
    measured = merged.figures[line.figure]
    return Compared(line, measured, value, measured.against(value, equal_is_within=line.within == "at_most"))


def exceeded(compared: list[Compared]) -> Iterator[Finding]:
    """Raise the finding of every line that is surely passed."""
    for c in compared:
        if c.result == "exceeds":
            yield Finding(c.line.finding, about=c.line.code, measured=c.measured, line=c.value, unit=UNITS[c.line.figure])
