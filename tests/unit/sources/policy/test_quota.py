"""The quota over every window, for many processes that come, go and die, in virtual time; and what a lane is told."""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from tests.unit.sources.policy.sources import source
from tests.virtual_time import run
from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy import LedgerUnavailable, MemoryLedger
from verify_service.sources.policy import ledger as ledger_module
from verify_service.sources.policy.lane import Lane
from verify_service.sources.policy.ledger import DAY, Ask, Block, Shared
from verify_service.sources.policy.quota import Quota

LANES: tuple[Lane, ...] = ("live", "bulk")


@dataclass
class Distant(MemoryLedger):
    """A ledger that is some time away; both ways take what chance says."""

    chance: random.Random
    asks: int = 0
    unavailable: bool = False

    def __post_init__(self) -> None:
        super().__init__(asyncio.get_running_loop().time)

    async def take(self, source: str, ask: Ask) -> Block:
        self.asks += 1
        if self.unavailable:
            raise LedgerUnavailable
        await asyncio.sleep(self.chance.uniform(0, 0.03))
        block = await super().take(source, ask)
        await asyncio.sleep(self.chance.uniform(0, 0.3 if self.chance.random() < 0.05 else 0.03))
        return block

    async def look(self) -> Mapping[str, Shared]:
        return await super().look()


@dataclass
class Town:
    """Processes that share one ledger, and every call that any of them made."""

    per_second: int
    per_day: int
    ledger: Distant
    calls: list[float] = field(default_factory=list)
    refused: list[SourceFailure] = field(default_factory=list)

    async def process(self, callers: int, pause: float) -> None:
        """Live until killed: nothing is given back then."""
        loop = asyncio.get_running_loop()
        quota = Quota(source(quota={"per_second": self.per_second, "per_day": self.per_day}), self.ledger, loop_time=loop.time)
        async with asyncio.TaskGroup() as group:
            for n in range(callers):
                group.create_task(self._call(quota, LANES[n % 5 == 4], pause))

    async def _call(self, quota: Quota, lane: Lane, pause: float) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                if not quota.try_take(lane):
                    await quota.take(lane, loop.time() + 2.5)
                self.calls.append(loop.time())
                await asyncio.sleep(self.ledger.chance.uniform(0, pause))
            except SourceFailure as failure:
                self.refused.append(failure)
                await asyncio.sleep(max(0.5, pause))


def most_within(calls: list[float], seconds: float) -> int:
    most, first = 0, 0
    for last, at in enumerate(calls):
        while calls[first] < at - seconds:
            first += 1
        most = max(most, last - first + 1)
    return most


def town(seed: int, per_second: int, per_day: int, *, seconds: float, pause: float = 0.01) -> Town:
    """Let three processes work; every now and then one is killed and another started."""
    found: list[Town] = []

    async def work() -> None:
        chance = random.Random(seed)
        made = Town(per_second, per_day, Distant(chance))
        found.append(made)
        running = [asyncio.create_task(made.process(10, pause)) for _ in range(3)]
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            await asyncio.sleep(chance.uniform(0.2, seconds / 5))
            running.pop(chance.randrange(3)).cancel()
            running.append(asyncio.create_task(made.process(10, pause)))
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    run(work())
    return found[0]


@pytest.mark.parametrize("per_second", [1, 2, 5, 20, 100])
@pytest.mark.parametrize("seed", range(8))
def test_no_second_is_above_our_share(seed: int, per_second: int) -> None:
    made = town(seed, per_second, 10**9, seconds=30)
    share = max(1, per_second * 90 // 100)
    assert most_within(made.calls, 1.0) <= share
    assert len(made.calls) / 30 >= 0.6 * share, "what the contract allows is used"


def test_without_the_second_after_a_block_there_would_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger_module, "SECOND", 0.5)
    assert most_within(town(0, 20, 10**9, seconds=10).calls, 1.0) > 20


def test_no_24_hours_are_above_our_share() -> None:
    """Three days of calls every few minutes, more than the day allows."""
    made = town(1, 100, 1000, seconds=3 * DAY, pause=2000)
    assert most_within(made.calls, DAY) <= 900
    assert len(made.calls) >= 3 * 500
    assert {f.code for f in made.refused} == {OutcomeCode.RATE_LIMITED, OutcomeCode.QUOTA_DEFERRED}


async def taken(quota: Quota, lane: Lane, patience: float) -> SourceFailure | None:
    try:
        if not quota.try_take(lane):
            await quota.take(lane, asyncio.get_running_loop().time() + patience)
    except SourceFailure as failure:
        return failure
    return None


def quota_of(ledger: MemoryLedger, per_second: int = 10, per_day: int = 1000) -> Quota:
    facts = source(quota={"per_second": per_second, "per_day": per_day, "use_percent": 100})
    return Quota(facts, ledger, loop_time=asyncio.get_running_loop().time)


@pytest.mark.parametrize(("lane", "code"), [("live", OutcomeCode.RATE_LIMITED), ("bulk", OutcomeCode.QUOTA_DEFERRED)])
def test_what_a_lane_is_told_when_the_second_is_spent(lane: Lane, code: OutcomeCode) -> None:
    async def work() -> None:
        ledger = Distant(random.Random(0))
        quota = quota_of(ledger)
        results = [await taken(quota, lane, 0.0) for _ in range(30)]
        refused = [r for r in results if r is not None]
        assert len(results) - len(refused) == (10 if lane == "live" else 8), "a fifth is live's"
        assert {(r.code, r.failed_by, r.detail) for r in refused} == {(code, "us", "quota of the second")}
        assert await taken(quota, lane, 1.2) is None, "whoever has time waits"

    run(work())


def test_bulk_leaves_a_fifth_of_the_day_to_live() -> None:
    async def work() -> None:
        ledger = Distant(random.Random(0))
        quota = quota_of(ledger, 100, 50)
        bulk = [await taken(quota, "bulk", 2) for _ in range(60)]
        assert sum(r is None for r in bulk) == 40
        told = bulk[-1]
        assert told is not None
        assert (told.code, told.detail) == (OutcomeCode.QUOTA_DEFERRED, "quota of the day")
        assert told.retry_after_seconds is not None
        assert DAY <= told.retry_after_seconds <= DAY + 900
        live = [await taken(quota, "live", 2) for _ in range(20)]
        assert sum(r is None for r in live) == 10

    run(work())


def test_a_spent_day_is_not_asked_about_for_every_call() -> None:
    async def work() -> None:
        ledger = Distant(random.Random(0))
        quota = quota_of(ledger, 100, 1)
        assert await taken(quota, "live", 2) is None
        before = ledger.asks
        assert None not in [await taken(quota, "live", 2) for _ in range(500)]
        assert ledger.asks - before <= 2

    run(work())


def test_a_quiet_process_asks_the_ledger_rarely() -> None:
    async def work() -> None:
        ledger = Distant(random.Random(0))
        quota = quota_of(ledger, 1000, 10**6)
        for _ in range(300):
            assert await taken(quota, "live", 2) is None
            await asyncio.sleep(0.1)
        assert ledger.asks <= 8, "300 calls in 30 seconds"

    run(work())


def test_an_unavailable_ledger_lets_nothing_through() -> None:
    async def work() -> None:
        ledger = Distant(random.Random(0), unavailable=True)
        told = await taken(quota_of(ledger), "live", 2)
        assert told is not None
        assert (told.code, told.detail) == (OutcomeCode.RATE_LIMITED, "quota ledger unavailable")

    run(work())


def test_what_is_in_hand_goes_back_at_the_end() -> None:
    async def work() -> None:
        ledger = Distant(random.Random(0))
        quota = quota_of(ledger, 1000, 1000)
        assert await taken(quota, "live", 2) is None
        await quota.close()
        assert (await ledger.look())["example"].used_day == 1

    run(work())
