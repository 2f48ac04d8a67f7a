"""What all processes share of a source's policy: real processes, a real database, one of them killed and started again."""

import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from tests.forks import FORKS
from tests.functional.policy_process import run
from tests.unit.sources.policy.sources import MONDAY
from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.policy import Isolation
from verify_service.storage.encryption import new_cipher
from verify_service.storage.migrations import migrate
from verify_service.storage.store import Store, open_store

Start = Callable[[dict[str, int]], BaseProcess]


class Log:
    """What all processes of a test wrote down."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def lines(self) -> list[tuple[float, str]]:
        whole = self.file.read_text().rpartition("\n")[0].splitlines() if self.file.exists() else []
        return [(float(at), what) for at, what in (line.split(" ", 1) for line in whole)]

    def sent(self) -> list[float]:
        return sorted(at for at, what in self.lines() if what == "sent")

    def count(self, what: str) -> int:
        return sum(line[1] == what for line in self.lines())

    def wait_for(self, what: str, *, more_than: int = 0, seconds: float = 60) -> None:
        """Return when it was written more often than that."""
        until = time.monotonic() + seconds
        while self.count(what) <= more_than:
            assert time.monotonic() < until, f"never: {what}"
            time.sleep(0.05)


@asynccontextmanager
async def opened(database_url: str) -> AsyncIterator[Store]:
    store = await open_store(database_url, cipher=new_cipher())
    try:
        yield store
    finally:
        await store.close()


@pytest.fixture
def log(tmp_path: Path) -> Log:
    return Log(tmp_path / "calls")


@pytest.fixture
def start(database_url: str, log: Log) -> Iterator[Start]:
    """Return how to start an asking process; whatever still runs at the end is killed."""
    migrate(database_url)
    started: list[BaseProcess] = []

    def begin(quota: dict[str, int]) -> BaseProcess:
        process = FORKS.Process(target=run, args=(database_url, quota, log.file))
        process.start()
        started.append(process)
        return process

    yield begin
    for process in started:
        kill(process)
        process.close()


def kill(process: BaseProcess) -> None:
    process.kill()
    process.join()


def most_in_a_second(instants: list[float]) -> int:
    """Return the most calls in any window of one second, both ends included."""
    most, first = 0, 0
    for last, at in enumerate(instants):
        while instants[first] < at - 1.0:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.slow
@pytest.mark.parametrize("per_second", [5, 60])
def test_no_second_is_above_the_contract_over_two_processes_and_a_restart(per_second: int, start: Start, log: Log) -> None:
    quota = {"per_second": per_second, "per_day": 1_000_000}
    first, _second = start(quota), start(quota)
    log.wait_for("sent", more_than=3 * per_second)
    kill(first)
    start(quota)
    log.wait_for("sent", more_than=8 * per_second)
    sent = log.sent()
    assert most_in_a_second(sent) <= per_second * 90 // 100
    assert len(sent) / (sent[-1] - sent[0]) >= 0.3 * per_second, "and the contract is made use of"


@pytest.mark.slow
def test_no_day_is_above_the_contract_over_two_processes_and_a_restart(start: Start, log: Log) -> None:
    quota = {"per_second": 100, "per_day": 200}
    first, _second = start(quota), start(quota)
    log.wait_for("sent", more_than=60)
    kill(first)
    start(quota)
    log.wait_for("sent", more_than=99)  # a fast machine is refused for the second's sake before it has come so far
    log.wait_for(OutcomeCode.RATE_LIMITED, more_than=log.count(OutcomeCode.RATE_LIMITED) + 20)
    assert 100 <= len(log.sent()) <= 180
    assert OutcomeCode.QUOTA_DEFERRED in {what for _, what in log.lines()}, "bulk stops earlier and says so"


def test_the_counting_has_teeth() -> None:
    assert most_in_a_second([0.0, 0.5, 1.0, 1.4, 1.5]) == 4
    assert most_in_a_second([0.0, 1.1, 2.2]) == 1


@pytest.mark.slow
async def test_isolation_reaches_the_other_process_and_ends(start: Start, log: Log, database_url: str) -> None:
    start({"per_second": 1000, "per_day": 1_000_000})
    log.wait_for("sent")
    async with opened(database_url) as store:
        await store.ledger.isolate("example", Isolation("the register asked for it", MONDAY))
        log.wait_for(OutcomeCode.BREAKER_OPEN, more_than=20)
        held = len(log.sent())
        log.wait_for(OutcomeCode.BREAKER_OPEN, more_than=100)
        assert len(log.sent()) == held
        await store.ledger.release("example")
    log.wait_for("sent", more_than=held)


@pytest.mark.slow
async def test_a_process_that_starts_during_an_isolation_asks_nothing(start: Start, log: Log, database_url: str) -> None:
    async with opened(database_url) as store:
        await store.ledger.isolate("example", Isolation("the register asked for it", MONDAY))
    start({"per_second": 1000, "per_day": 1_000_000})
    log.wait_for(OutcomeCode.BREAKER_OPEN, more_than=100)
    assert log.sent() == []
