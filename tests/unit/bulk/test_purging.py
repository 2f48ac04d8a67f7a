"""When the broom goes on and when it rests."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from verify_service.bulk import purging
from verify_service.bulk.purging import Broom, purge_until
from verify_service.storage.purging import ROWS

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class Store:
    """Has three turns of events and one and a half of keys; then it fails."""

    def __init__(self) -> None:
        self.tried_again = asyncio.Event()
        self.seen: list[tuple[int, datetime]] = []
        self.kept: set[datetime] = set()
        self._keys = [ROWS, ROWS // 2, 0, 0]

    async def events(self, *, after: int, before: datetime, now: datetime) -> int:
        assert now == NOW
        self.seen.append((after, before))
        if len(self.seen) > 3:
            if len(self.seen) > 4:
                self.tried_again.set()
            raise OSError("the database is away")
        return [500, 1000, 0][len(self.seen) - 1]

    async def keys(self, *, before: datetime, now: datetime) -> int:
        assert now == NOW
        self.kept.add(before)
        return self._keys.pop(0)


def services(store: Store) -> Any:
    limits = SimpleNamespace(keep_events_days=90, keep_keys_days=30)
    return SimpleNamespace(store=SimpleNamespace(purging=store), limits=limits, clock=lambda: NOW)


async def test_a_pass_goes_on_where_the_last_turn_ended_and_begins_anew_at_its_end() -> None:
    store = Store()
    broom = Broom(services(store))
    assert [await broom.turn() for _ in range(3)] == [True, True, False]
    assert store.seen == [(after, NOW - timedelta(days=90)) for after in (0, 500, 1000)]
    assert store.kept == {NOW - timedelta(days=30)}


async def test_a_database_that_is_away_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "_BETWEEN_SECONDS", 0.001)
    monkeypatch.setattr(purging, "_EVERY_SECONDS", 0.001)
    stopping = asyncio.Event()
    store = Store()
    sweeping = asyncio.create_task(purge_until(services(store), stopping))
    async with asyncio.timeout(20):
        await store.tried_again.wait()
    stopping.set()
    await sweeping
    assert len(store.seen) > 4
