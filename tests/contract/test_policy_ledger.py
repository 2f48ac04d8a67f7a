"""One contract for every ledger: the one in memory that unit tests use, SQLite and PostgreSQL, on a clock of the test's."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from verify_service.sources.policy import Isolation, LedgerUnavailable, MemoryLedger, PolicyLedger
from verify_service.sources.policy.ledger import DAY, SLOT, Ask, Shared, Unused
from verify_service.storage.encryption import new_cipher
from verify_service.storage.ledger import DatabaseLedger, database_now
from verify_service.storage.migrations import migrate
from verify_service.storage.store import open_store

MORNING = datetime(2026, 11, 24, 0, 0, tzinfo=UTC).timestamp()
HELD = Isolation("示例: the register asked for it", datetime(2026, 11, 24, 8, 30, 0, 123456, tzinfo=UTC))


@dataclass
class Clock:
    now: float = MORNING

    def __call__(self) -> float:
        return self.now


@dataclass
class Kept:
    """A ledger, its clock, and how to come back to it as another process does."""

    ledger: PolicyLedger
    clock: Clock
    again: Callable[[], PolicyLedger]


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def kept(request: pytest.FixtureRequest) -> AsyncIterator[Kept]:
    clock = Clock()
    if request.param == "memory":
        memory = MemoryLedger(clock)
        yield Kept(memory, clock, lambda: memory)
        return
    url = str(request.getfixturevalue("sqlite_database_url" if request.param == "sqlite" else "pg_database_url"))
    migrate(url)
    store = await open_store(url, cipher=new_cipher())
    yield Kept(store_ledger(store.ledger, clock), clock, lambda: store_ledger(store.ledger, clock))
    await store.close()


def store_ledger(real: DatabaseLedger, clock: Clock) -> DatabaseLedger:
    return DatabaseLedger(real._executor, now=lambda _connection: clock())


def ask(calls: int, *, per_second: int = 10, per_day: int = 1000, unused: Unused | None = None) -> Ask:
    return Ask(calls, per_second, per_day, unused=unused)


async def test_gives_what_is_asked_for_and_not_more_than_there_is(kept: Kept) -> None:
    assert (await kept.ledger.take("vehicle", ask(4))).calls == 4
    assert (await kept.again().take("vehicle", ask(4))).calls == 4
    assert (await kept.ledger.take("vehicle", ask(4))).calls == 2
    nothing = await kept.again().take("vehicle", ask(4))
    assert (nothing.calls, nothing.day_is_spent) == (0, False)
    assert 1.0 < nothing.wait_seconds < 1.1
    assert (await kept.ledger.take("property", ask(4))).calls == 4, "another source has a quota of its own"


async def test_after_the_wait_there_is_something(kept: Kept) -> None:
    await kept.ledger.take("vehicle", ask(10))
    wait = (await kept.ledger.take("vehicle", ask(1))).wait_seconds
    kept.clock.now += wait - 0.001
    assert (await kept.ledger.take("vehicle", ask(1))).calls == 0
    kept.clock.now += 0.002
    assert (await kept.ledger.take("vehicle", ask(1))).calls == 1


async def test_blocks_are_long_while_little_is_used_and_short_under_load(kept: Kept) -> None:
    quiet = await kept.ledger.take("vehicle", ask(2))
    busy = await kept.ledger.take("vehicle", ask(2))
    assert (quiet.usable_seconds, busy.usable_seconds) == (10.0, 0.05)


async def test_a_long_block_counts_until_a_second_after_its_end(kept: Kept) -> None:
    await kept.ledger.take("vehicle", ask(2))
    kept.clock.now += 11.0
    assert (await kept.ledger.look())["vehicle"].used_second == 2
    kept.clock.now += 0.1
    assert (await kept.ledger.look())["vehicle"].used_second == 0


async def test_the_day_is_any_24_hours(kept: Kept) -> None:
    for _ in range(5):
        kept.clock.now += 3600
        assert (await kept.ledger.take("vehicle", ask(3, per_day=15))).calls == 3
    spent = await kept.again().take("vehicle", ask(3, per_day=15))
    assert (spent.calls, spent.day_is_spent) == (0, True)
    assert DAY - 5 * 3600 <= spent.wait_seconds <= DAY - 4 * 3600 + SLOT
    kept.clock.now += spent.wait_seconds + 0.001
    assert (await kept.ledger.take("vehicle", ask(9, per_day=15))).calls == 3


async def test_unused_calls_of_the_day_come_back(kept: Kept) -> None:
    block = await kept.ledger.take("vehicle", ask(10, per_day=10))
    kept.clock.now += 20
    assert (await kept.ledger.take("vehicle", ask(1, per_day=10))).day_is_spent
    assert (await kept.ledger.take("vehicle", ask(3, per_day=10, unused=Unused(block.slot, 7)))).calls == 3
    assert (await kept.ledger.look())["vehicle"] == Shared(None, 3, 6)
    only_giving = await kept.ledger.take("vehicle", ask(0, per_day=10, unused=Unused(block.slot, 2)))
    assert only_giving.calls == 0
    assert (await kept.ledger.look())["vehicle"].used_day == 4


async def test_a_clock_that_was_ahead_does_not_hold_a_source_back(kept: Kept) -> None:
    kept.clock.now += 3 * 3600
    await kept.ledger.take("vehicle", ask(10, per_day=10))
    kept.clock.now -= 3 * 3600
    assert (await kept.ledger.take("vehicle", ask(1, per_day=10))).calls == 1


async def test_isolation_is_seen_by_everybody_and_ends(kept: Kept) -> None:
    await kept.ledger.isolate("vehicle", Isolation("first", HELD.since))
    await kept.ledger.isolate("vehicle", HELD)
    assert await kept.again().look() == {"vehicle": Shared(HELD)}
    await kept.again().release("vehicle")
    await kept.again().release("vehicle")
    assert (await kept.ledger.look()).get("vehicle", Shared()) == Shared()


async def test_databases_clock_is_the_time(database_url: str) -> None:
    """Both engines tell seconds since the epoch."""
    url = make_url(database_url)
    driver = "sqlite+pysqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    engine = create_engine(url.set(drivername=driver))
    with engine.connect() as connection:
        before, told, after = datetime.now(UTC).timestamp(), database_now(connection), datetime.now(UTC).timestamp()
    engine.dispose()
    assert before - 0.002 <= told <= after + 0.002


async def test_a_database_without_the_table_is_an_unavailable_ledger(database_url: str) -> None:
    url = make_url(database_url)
    if url.get_backend_name() == "sqlite":
        await asyncio.to_thread(Path(str(url.database)).touch)
    store = await open_store(database_url, cipher=new_cipher())
    with pytest.raises(LedgerUnavailable):
        await store.ledger.take("vehicle", ask(1))
    await store.close()
