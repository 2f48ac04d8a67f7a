"""The certificate: a line per thing that was tried. Cases and codes are named, never a person, a value or a message."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from verify_service.domain.outcome import OutcomeClass

Verdict = Literal["passed", "failed", "not_judged"]


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was tried with one case: what should come of it, what came. `check` groups lines."""

    check: str
    case: str
    expected: str
    got: str
    verdict: Verdict


def judged(check: str, case: str, expected: str, got: str, *, holds: bool) -> Line:
    """Return a line that passed or failed."""
    return Line(check, case, expected, got, "passed" if holds else "failed")


def not_judged(check: str, reason: str) -> Line:
    """Return the line of what this endpoint or these cases give no occasion to judge."""
    return Line(check, "", reason, "", "not_judged")


@dataclass(frozen=True, slots=True)
class Certificate:
    """What was judged of one source, by which contract version, in the order in which it was tried."""

    source: str
    contract_version: str
    lines: Sequence[Line]

    @property
    def passed(self) -> bool:
        """Say whether anything was judged and nothing failed."""
        verdicts = {line.verdict for line in self.lines}
        return "passed" in verdicts and "failed" not in verdicts

    @property
    def undeclared(self) -> list[str]:
        """Name the outcome classes that no case declares: nothing is known of them."""
        declared = {line.expected.partition(".")[0] for line in self.lines if line.check == "case"}
        return [c.value for c in OutcomeClass if c.value not in declared]

    def to_json(self) -> dict[str, Any]:
        """Return the certificate for machines."""
        count = _counts(self.lines)
        head = {"source": self.source, "contract_version": self.contract_version, "passed": self.passed}
        return {**head, **count, "outcome_classes_without_a_case": self.undeclared, "lines": [asdict(line) for line in self.lines]}


def _counts(lines: Iterable[Line]) -> dict[str, int]:
    verdicts = [line.verdict for line in lines]
    return {f"lines_{verdict}": verdicts.count(verdict) for verdict in ("passed", "failed", "not_judged")}
