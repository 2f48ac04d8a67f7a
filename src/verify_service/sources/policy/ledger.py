"""What all processes share about a source: the calls of the last second and day, and whether an operator holds it back.

A process does not ask for every call. It takes a block of calls that it may make within a short time, and the block is
counted as if its last call were made at the very end of that time. So whatever the processes do with their blocks, in no
second and in no 24 hours are more calls made than the ledger allowed:

    block taken ├──── may be used ────┤├── still counted: one second ──┤ free again
                t                     t + usable_seconds               + 1 s + margin

A process that dies leaves its blocks counted; they free themselves. While little is used, blocks are usable for long, so
that a quiet process asks the ledger every few seconds; under load they are short, so that little is lost in them.
`spend` is the whole rule, pure; an implementation only keeps `Spent` and runs one `spend` after the other.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from verify_service.errors import VerifyError
from verify_service.sources.policy.snapshot import Isolation

SECOND, DAY, SLOT = 1.0, 86_400, 900
_MARGIN = 0.01  # a database's clock may be read in whole milliseconds
_SHORT, _LONG = 0.05, 10.0
LONGEST_ROUND_TRIP = 5.0
_QUIET_SHARE = 4  # "little is used" is less than a quarter


class LedgerUnavailable(VerifyError):
    """The ledger cannot be reached, so nobody knows whether the contract allows another call."""


@dataclass(frozen=True, slots=True)
class Spent:
    """Calls that count: blocks as (until when, calls), and calls by slot of the day (15 minutes since the epoch)."""

    blocks: tuple[tuple[float, int], ...] = ()
    slots: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unused:
    """Calls of an earlier block that were never made: they were charged to this slot of the day."""

    slot: int
    calls: int


@dataclass(frozen=True, slots=True)
class Ask:
    """A wish for at most `calls` calls, as long as all processes stay within `per_second` and `per_day`.

    `round_trip_seconds` is how long the ledger's answer may take; the block is usable for so much longer.
    """

    calls: int
    per_second: int
    per_day: int
    round_trip_seconds: float = 0
    unused: Unused | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Calls that may be made within `usable_seconds` from the instant before asking; none: ask again in `wait_seconds`."""

    calls: int
    usable_seconds: float = 0
    slot: int = 0
    wait_seconds: float = 0
    day_is_spent: bool = False


@dataclass(frozen=True, slots=True)
class Shared:
    """What the ledger knows of a source: who holds it back, and the calls that count now."""

    isolation: Isolation | None = None
    used_second: int = 0
    used_day: int = 0


class PolicyLedger(Protocol):
    """Shared by all processes of a deployment. Every method raises LedgerUnavailable."""

    async def take(self, source: str, ask: Ask) -> Block:
        """Give unused calls back and take a block; `ask.calls` = 0 only gives back."""

    async def look(self) -> Mapping[str, Shared]:
        """Return what is known, by source; a source that nobody has used or isolated is left out."""

    async def isolate(self, source: str, isolation: Isolation) -> None:
        """Hold a source back; a second isolation replaces the first."""

    async def release(self, source: str) -> None:
        """Let a source go."""


def used(spent: Spent, now: float) -> tuple[int, int]:
    """Return the calls that count at `now` (seconds since the epoch): of the second, and of the day."""
    counting = _counting(spent, now)
    return sum(calls for _, calls in counting.blocks), sum(counting.slots.values())


def spend(spent: Spent, ask: Ask, now: float) -> tuple[Spent, Block]:
    """Return what is spent afterwards, and the block."""
    spent = _counting(_given_back(spent, ask.unused), now)
    used_second, used_day = used(spent, now)
    calls = min(ask.calls, ask.per_second - used_second, ask.per_day - used_day)
    if calls <= 0:
        return spent, _nothing(spent, ask, now)
    is_quiet = (used_second + calls) * _QUIET_SHARE <= ask.per_second
    usable = min(ask.round_trip_seconds, LONGEST_ROUND_TRIP) + (_LONG if is_quiet else _SHORT)
    slot = int(now // SLOT)
    blocks = (*spent.blocks, (now + usable + SECOND + _MARGIN, calls))
    return Spent(blocks, {**spent.slots, slot: spent.slots.get(slot, 0) + calls}), Block(calls, usable, slot)


def _given_back(spent: Spent, unused: Unused | None) -> Spent:
    """Take them off the day; the second they were meant for is over anyway."""
    if unused is None or unused.slot not in spent.slots:
        return spent
    return Spent(spent.blocks, {**spent.slots, unused.slot: max(0, spent.slots[unused.slot] - unused.calls)})


def _counting(spent: Spent, now: float) -> Spent:
    """Leave out what no longer counts, and what a clock wrote that was far ahead and has been set right."""
    furthest = now + _LONG + LONGEST_ROUND_TRIP + SECOND + 1
    blocks = tuple(b for b in spent.blocks if now < b[0] <= furthest)
    slots = {slot: calls for slot, calls in spent.slots.items() if now - DAY < _end(slot) and slot * SLOT <= now and calls}
    return Spent(blocks, slots)


def _end(slot: int) -> int:
    return (slot + 1) * SLOT


def _nothing(spent: Spent, ask: Ask, now: float) -> Block:
    day_is_spent = sum(spent.slots.values()) >= ask.per_day
    return Block(0, wait_seconds=_day_wait(spent, ask, now) if day_is_spent else _second_wait(spent, ask, now), day_is_spent=day_is_spent)


def _second_wait(spent: Spent, ask: Ask, now: float) -> float:
    left = sum(calls for _, calls in spent.blocks)
    for until, calls in sorted(spent.blocks):
        left -= calls
        if left < ask.per_second:
            return until - now
    return 0


def _day_wait(spent: Spent, ask: Ask, now: float) -> float:
    left = sum(spent.slots.values())
    for slot, calls in sorted(spent.slots.items()):
        left -= calls
        if left < ask.per_day:
            return _end(slot) + DAY - now
    return 0


class MemoryLedger:
    """The ledger of a single process, for tests and tools; it forgets everything at the end. `now` in seconds since the epoch."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._spent: dict[str, Spent] = {}
        self._isolations: dict[str, Isolation] = {}

    async def take(self, source: str, ask: Ask) -> Block:
        """As PolicyLedger.take."""
        self._spent[source], block = spend(self._spent.get(source, Spent()), ask, self._now())
        return block

    async def look(self) -> Mapping[str, Shared]:
        """As PolicyLedger.look."""
        sources = self._spent.keys() | self._isolations.keys()
        return {s: Shared(self._isolations.get(s), *used(self._spent.get(s, Spent()), self._now())) for s in sources}

    async def isolate(self, source: str, isolation: Isolation) -> None:
        """As PolicyLedger.isolate."""
        self._isolations[source] = isolation

    async def release(self, source: str) -> None:
        """As PolicyLedger.release."""
        self._isolations.pop(source, None)
