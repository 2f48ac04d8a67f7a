"""What this process saw of one source lately: how attempts ended, how long they took, how old the data are, what has drifted.

The client tells it of every attempt, the verifier of every answer; nobody tells it who was asked about. A ring of minutes
is all that is kept, so memory is the same after an hour and after a year.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime

from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.sources.reading import missing_field, unknown_fields
from verify_service.telemetry.durations import Durations

MINUTES = 15
_MOST_NAMES = 100


@dataclass(slots=True)
class Tally:
    """Attempts by how they ended (None: a whole answer arrived), answers by outcome, bytes received, as-of days."""

    attempts: Counter[OutcomeCode | None] = field(default_factory=Counter)
    answers: Counter[OutcomeCode] = field(default_factory=Counter)
    durations: Durations = field(default_factory=Durations)
    waits: Durations = field(default_factory=Durations)
    bytes_received: int = 0
    as_of: tuple[date, date] | None = None

    def merge(self, other: "Tally") -> None:
        """Add the other's."""
        self.attempts.update(other.attempts)
        self.answers.update(other.answers)
        self.durations.merge(other.durations)
        self.waits.merge(other.waits)
        self.bytes_received += other.bytes_received
        for day in other.as_of or ():
            self.saw_as_of(day)

    def saw_as_of(self, day: date) -> None:
        """Widen the (oldest, newest) as-of days."""
        oldest, newest = self.as_of or (day, day)
        self.as_of = (min(oldest, day), max(newest, day))


@dataclass(frozen=True, slots=True)
class Observed:
    """The last quarter of an hour, and what is remembered since the process started. Names of fields only, never values."""

    since: datetime
    window: Tally
    last_success: datetime | None
    new_fields: tuple[str, ...]
    missing_fields: tuple[str, ...]


class SourceStatus:
    """Lives as long as the process, one per source."""

    def __init__(self, source: str, *, clock: Callable[[], datetime]) -> None:
        self._source = source
        self._clock = clock
        self._since = clock()
        self._minute = 0
        self._ring: deque[Tally] = deque([Tally()], maxlen=MINUTES)
        self._earlier = Tally()
        self._last_success: datetime | None = None
        self._missing: dict[str, None] = {}

    def attempted(self, failure: OutcomeCode | None, *, seconds: float, waited: float = 0.0, bytes_received: int = 0) -> None:
        """Count one attempt: None when a whole answer arrived. `waited`: for a place and quota, before it began."""
        now = self._clock()
        tally = self._current(now)
        tally.attempts[failure] += 1
        tally.durations.add(seconds)
        tally.waits.add(waited)
        tally.bytes_received += bytes_received
        if failure is None:
            self._last_success = now

    def settled(self, answers: Iterable[Answer]) -> None:
        """Count what became of questions."""
        tally = self._current(self._clock())
        for answer in answers:
            outcome = answer.outcome
            tally.answers[outcome.code] += 1
            if outcome.as_of is not None:
                tally.saw_as_of(outcome.as_of)
            if outcome.code is OutcomeCode.SCHEMA and len(self._missing) < _MOST_NAMES and (name := missing_field(outcome.detail)):
                self._missing[name] = None

    def observed(self) -> Observed:
        """Return what an operator sees now."""
        self._current(self._clock())
        names = (tuple(sorted(unknown_fields(self._source))), tuple(sorted(self._missing)))
        return Observed(self._since, _sum(self._ring), self._last_success, *names)

    def total(self) -> Tally:
        """Return everything since the process started."""
        return _sum([self._earlier, *self._ring])

    def _current(self, now: datetime) -> Tally:
        """Return this minute's tally; minutes that have left the window go into one."""
        minute = int(now.timestamp()) // 60
        for _ in range(min(MINUTES, minute - self._minute)):
            if len(self._ring) == MINUTES:
                self._earlier.merge(self._ring[0])
            self._ring.append(Tally())
        self._minute = max(minute, self._minute)
        return self._ring[-1]


def _sum(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.merge(tally)
    return total
