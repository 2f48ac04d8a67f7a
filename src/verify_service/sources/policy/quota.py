"""One source's quota in one process: a block of calls in hand for each lane, and the ledger when it is used up.

On the hot path a call costs a comparison and a subtraction. Bulk may use what is not reserved for live, of the second
and of the day alike, so that a night of re-checks leaves something for whoever applies in the morning.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.definition import Source
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy.lane import Lane
from verify_service.sources.policy.ledger import Ask, Block, LedgerUnavailable, PolicyLedger, Unused

_SPARE_SHARE = 20  # taken beyond what is wanted at once: a twentieth of a second's calls
_FORGOTTEN_SECONDS = 1.0  # a spent day is asked about again: another process may give calls back
_SPENT_SECONDS = 60.0  # a day that others have spent is looked at again
_MOST_SHARE = 4  # taken at once: a quarter, so that other processes find something too


class _Hand:
    """The calls that one lane may still make."""

    def __init__(self, per_second: int, per_day: int) -> None:
        self.per_second, self.per_day = max(1, per_second), max(1, per_day)
        self.calls = 0
        self.slot = 0
        self.usable_until = float("-inf")
        self.nothing_until = float("-inf")  # the ledger said so
        self.nothing: Block = Block(0)
        self.wanted = 0
        self.refilling = asyncio.Lock()

    def ask(self, round_trip_seconds: float) -> Ask:
        """Return what to ask the ledger for; calls that ran out of time go back."""
        unused, self.calls = Unused(self.slot, self.calls) if self.calls else None, 0
        calls = max(1, min(max(self.wanted, self.per_second // _SPARE_SHARE), self.per_second // _MOST_SHARE))
        return Ask(calls, self.per_second, self.per_day, round_trip_seconds, unused)

    def keep(self, block: Block, *, asked: float, now: float) -> None:
        """Take a block in hand, or remember that there is none."""
        if block.calls:
            self.calls, self.slot, self.usable_until = block.calls, block.slot, asked + block.usable_seconds
        else:
            wait = min(block.wait_seconds, _FORGOTTEN_SECONDS) if block.day_is_spent else block.wait_seconds
            self.nothing, self.nothing_until = block, now + wait


class Quota:
    """Take one call before each attempt. Without a ledger nothing is counted: for tests and tools that ask a sandbox."""

    def __init__(self, source: Source, ledger: PolicyLedger | None, *, loop_time: Callable[[], float]) -> None:
        self._source = source.id
        self._ledger = ledger
        self._time = loop_time
        self._round_trip_seconds = 0.05
        rule, for_bulk = source.quota, 100 - source.places.live_reserve_percent
        self.per_second, self.per_day = (max(1, n * rule.use_percent // 100) for n in (rule.per_second, rule.per_day))
        self._hands: dict[Lane, _Hand] = {
            "live": _Hand(self.per_second, self.per_day),
            "bulk": _Hand(self.per_second * for_bulk // 100, self.per_day * for_bulk // 100),
        }

    def try_take(self, lane: Lane) -> bool:
        """Take a call that is in hand."""
        if self._ledger is None:
            return True
        hand = self._hands[lane]
        if hand.calls > 0 and self._time() < hand.usable_until:
            hand.calls -= 1
            return True
        return False

    def put_back(self, lane: Lane) -> None:
        """Put back a call that was taken this instant and not made."""
        self._hands[lane].calls += self._ledger is not None

    async def take(self, lane: Lane, until: float) -> None:
        """Take a call, and wait for it at most until then.

        Raises unavailable.rate_limited (live), not_asked.quota_deferred (bulk); both say when to come again.
        """
        hand = self._hands[lane]
        hand.wanted += 1
        try:
            while not self.try_take(lane):
                async with hand.refilling:
                    await self._refill(lane, hand, until)
        finally:
            hand.wanted -= 1

    def spent(self, lane: Lane, used_day: int) -> SourceFailure | None:
        """Return the refusal that a call of this lane would meet, when `used_day` calls of all processes leave it none today."""
        hand = self._hands[lane]
        if used_day < hand.per_day or hand.calls > 0:
            return None
        wait = hand.nothing.wait_seconds if hand.nothing.day_is_spent else _SPENT_SECONDS
        return _refused(lane, "quota of the day", wait)

    async def _refill(self, lane: Lane, hand: _Hand, until: float) -> None:
        """Take a block, or wait until there may be one. Whoever waited for another's block finds it in hand."""
        if hand.calls > 0 and self._time() < hand.usable_until:
            return
        if self._time() >= hand.nothing_until:
            await self._ask(lane, hand)
        wait = hand.nothing_until - self._time()
        if wait <= 0:
            return
        if hand.nothing.day_is_spent or self._time() + wait > until:
            raise _refused(lane, "quota of the day" if hand.nothing.day_is_spent else "quota of the second", hand.nothing.wait_seconds)
        await asyncio.sleep(wait)

    async def _ask(self, lane: Lane, hand: _Hand) -> None:
        """Ask the ledger. If the caller goes away meanwhile, the block is lost: counted, and never used."""
        asked = self._time()
        try:
            block = await self._ledger.take(self._source, hand.ask(self._round_trip_seconds)) if self._ledger else Block(0)
        except LedgerUnavailable:
            raise _refused(lane, "quota ledger unavailable", _FORGOTTEN_SECONDS) from None
        now = self._time()
        self._round_trip_seconds = max(2 * (now - asked), 0.9 * self._round_trip_seconds)
        hand.keep(block, asked=asked, now=now)

    async def close(self) -> None:
        """Give back what is in hand."""
        for hand in self._hands.values():
            if self._ledger is not None and hand.calls:
                unused, hand.calls = Unused(hand.slot, hand.calls), 0
                with suppress(LedgerUnavailable):  # then they stay counted, which harms nobody
                    await self._ledger.take(self._source, Ask(0, hand.per_second, hand.per_day, unused=unused))


def _refused(lane: Lane, detail: str, seconds: float) -> SourceFailure:
    code = OutcomeCode.RATE_LIMITED if lane == "live" else OutcomeCode.QUOTA_DEFERRED
    return SourceFailure(code, failed_by="us", detail=detail, retry_after_seconds=seconds)
