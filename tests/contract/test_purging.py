"""What the store removes after a while, on both engines: only what was told and answered, in turns, counted; never a report."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.contract.storage_examples import NOW, OTHER, TENANT, accept, client, issue
from tests.contract.test_webhooks import delivered, failed, issued, registered
from verify_service.storage import purging
from verify_service.storage.encryption import new_cipher
from verify_service.storage.migrations import migrate
from verify_service.storage.records import Accepted
from verify_service.storage.store import Store, open_store
from verify_service.storage.tables import idempotency, outbox, reports
from verify_service.storage.webhook_records import DeliveryState
from verify_service.storage.webhook_tables import deliveries

LATER = NOW + timedelta(days=1)


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    migrate(database_url)
    opened = await open_store(database_url, cipher=new_cipher())
    for tenant in (TENANT, OTHER):
        await opened.add_client(client(tenant))
    yield opened
    await opened.close()


async def count(store: Store, table: Any) -> int:
    return int(await store._executor.read(lambda connection: connection.execute(select(func.count()).select_from(table)).scalar_one()))


async def purged(store: Store) -> list[tuple[str, int]]:
    """Return what the audit logs of both tenants say was removed."""
    logs = [entry for tenant in (TENANT, OTHER) for entry in await store.audit_log(tenant=tenant)]
    return [(entry.tenant, int(str(entry.detail["rows"]))) for entry in logs if entry.action.endswith(".purged")]


async def test_events_go_when_every_delivery_is_over_and_reports_stay(store: Store) -> None:
    await registered(store)
    await issued(store, times=2)
    await issued(store, tenant=OTHER)
    await store.webhooks.route(now=NOW)
    first, _waits = await store.webhooks.claim(now=NOW, until=LATER, busy=set())
    await store.webhooks.settle(first, replace(delivered(), now=NOW))
    assert await store.purging.events(after=0, before=LATER, now=LATER) == 0
    assert (await count(store, outbox), await count(store, deliveries), await count(store, reports)) == (1, 1, 3)
    assert await purged(store) == [(TENANT, 1), (OTHER, 1)]


async def test_dead_delivery_is_kept_as_long_as_it_may_be_asked_for(store: Store) -> None:
    await registered(store)
    await issued(store)
    await store.webhooks.route(now=NOW)
    (claim,) = await store.webhooks.claim(now=NOW, until=LATER, busy=set())
    await store.webhooks.settle(claim, failed(claim, state=DeliveryState.DEAD, now=LATER))
    await store.purging.events(after=0, before=LATER, now=LATER)
    assert await count(store, deliveries) == 1
    await store.purging.events(after=0, before=LATER + timedelta(seconds=1), now=LATER)
    assert (await count(store, deliveries), await count(store, outbox)) == (0, 0)


async def test_event_that_nobody_has_routed_is_never_removed(store: Store) -> None:
    await issued(store)
    await store.purging.events(after=0, before=LATER, now=LATER)
    assert await count(store, outbox) == 1


async def test_nothing_young_is_removed(store: Store) -> None:
    accepted = await accept(store, idempotency_key="k")
    assert isinstance(accepted, Accepted)
    await store.issue(issue(accepted))
    await store.webhooks.route(now=NOW)
    await store.purging.events(after=0, before=NOW, now=LATER)
    await store.purging.keys(before=NOW, now=LATER)
    assert (await count(store, outbox), await count(store, idempotency), await purged(store)) == (1, 1, [])


async def test_many_events_go_in_turns_past_one_that_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "ROWS", 2)
    monkeypatch.setattr(purging, "_EVENTS", purging._EVENTS.limit(2))
    await registered(store)
    await issued(store, times=5)
    await store.webhooks.route(now=NOW)
    waits, *others = await store.webhooks.claim(now=NOW, until=LATER, busy=set())
    others += await store.webhooks.claim(now=NOW, until=LATER, busy={waits.id})
    for claim in others:
        await store.webhooks.settle(claim, replace(delivered(), now=NOW))
    after, turns = await store.purging.events(after=0, before=LATER, now=LATER), 1
    while after:
        after, turns = await store.purging.events(after=after, before=LATER, now=LATER), turns + 1
    assert (turns, await count(store, outbox), await count(store, deliveries)) == (3, 1, 1)
    assert await purged(store) == [(TENANT, 1), (TENANT, 2), (TENANT, 1)]


async def test_a_key_is_forgotten_with_its_answer_when_it_was_answered(store: Store) -> None:
    answered = await accept(store, idempotency_key="answered")
    assert isinstance(answered, Accepted)
    await store.issue(issue(answered))
    await accept(store, idempotency_key="running")
    assert await store.purging.keys(before=LATER, now=LATER) == 1
    assert await purged(store) == [(TENANT, 1)]
    assert isinstance(await accept(store, idempotency_key="answered"), Accepted)
