"""Compare the household's figures with the lines in force. 仅作对照,不作认定: a comparison is never a decision."""

from dataclasses import dataclass

from verify_service.domain.interval import Comparison, Exact, Interval
from verify_service.domain.policy import Line, Policy
from verify_service.domain.swift import swift
from verify_service.verification.merge import Merged


@swift
@dataclass(frozen=True, slots=True)
class Compared:
    """One line with what was measured, both exact, and on which side the measured interval lies.

    of: the household, or in single-person mode the beneficiary, where the line says so (M25).
    """

    code: str
    line: Line
    measured: Interval
    value: Exact
    persons: int
    of: str | None
    result: Comparison


def compare(merged: Merged, policy: Policy) -> list[Compared]:
    """Compare every line of the programme, in its order. Unrounded (C10.10)."""
    return [_compared(code, line, merged, policy) for code, line in policy.programme.lines.items()]


def _compared(code: str, line: Line, merged: Merged, policy: Policy) -> Compared:
    own = merged.own if line.single_person == "beneficiary" else None
    persons = len(merged.counted) if own is None else 1
    measured = (merged if own is None else own).figures[line.figure]
    value = policy.limit(line, merged.household.hukou, persons)
    result = measured.against(value, equal_is_within=line.within == "at_most")
    return Compared(code, line, measured, value, persons, None if own is None else own.member, result)
