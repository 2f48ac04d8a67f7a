"""What a process counts of its own work."""

from collections import Counter
from dataclasses import dataclass, field

from verify_service.telemetry.durations import Durations


@dataclass(slots=True)
class Counts:
    """Verifications by the state they came into, and how long it took to make report versions durable."""

    states: Counter[str] = field(default_factory=Counter)
    commits: Durations = field(default_factory=Durations)

    def issued(self, state: str, *, seconds: float) -> None:
        """Count a report version that became durable."""
        self.states[state] += 1
        self.commits.add(seconds)
