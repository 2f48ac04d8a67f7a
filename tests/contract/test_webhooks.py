"""What the store promises of webhooks, on both engines: an event is routed once, taken in turns, and nothing is lost or another's."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.contract.storage_examples import NOW, OTHER, TENANT, accept, issue, new_id
from verify_service.errors import NotFound, WrongState
from verify_service.storage.records import Accepted
from verify_service.storage.store import Store
from verify_service.storage.webhook_deliveries import TRIAL_AFTER
from verify_service.storage.webhook_endpoints import MOST_ENABLED
from verify_service.storage.webhook_records import (
    DeliveryClaim,
    DeliveryState,
    EndpointState,
    EventKind,
    Rotation,
    Settlement,
    WebhookEndpoint,
)

SOON, LATER, MUCH_LATER = (NOW + timedelta(minutes=minutes) for minutes in (1, 10, 60))
ALL = [kind.value for kind in EventKind]


async def registered(store: Store, *, tenant: str = TENANT, events: list[str] = ALL, at: datetime = NOW - timedelta(days=1)) -> str:
    endpoint = WebhookEndpoint(new_id(), tenant, f"client-{tenant}", "https://x.example/", events, EndpointState.ENABLED, at)
    await store.webhooks.add(endpoint, secret=b"s" * 32)
    return endpoint.id


async def issued(store: Store, *, tenant: str = TENANT, times: int = 1) -> None:
    """Issue reports; each writes an event."""
    for _ in range(times):
        accepted = await accept(store, tenant=tenant)
        assert isinstance(accepted, Accepted)
        await store.issue(issue(accepted, tenant=tenant))


async def taken(store: Store, *, now: datetime = SOON, busy: set[str] | None = None) -> list[DeliveryClaim]:
    return list(await store.webhooks.claim(now=now, until=now + timedelta(minutes=1), busy=busy or set()))


def failed(claim: DeliveryClaim, **changes: Any) -> Settlement:
    settled = Settlement(DeliveryState.WAITING, LATER, "timeout", claim.failures + 1, None, is_gone=False, now=SOON)
    return replace(settled, **changes)


def delivered() -> Settlement:
    return Settlement(DeliveryState.DELIVERED, SOON, "delivered", 0, None, is_gone=False, now=SOON)


async def states(store: Store, endpoint: str, *, tenant: str = TENANT) -> list[tuple[str, int, str | None]]:
    found = await store.webhooks.deliveries(tenant=tenant, endpoint_id=endpoint)
    return [(delivery.state.value, delivery.attempts, delivery.last_outcome) for delivery in found]


async def test_event_goes_once_to_each_endpoint_of_its_tenant_that_wants_it(store: Store) -> None:
    mine, also_mine = await registered(store), await registered(store, events=["report.issued"])
    of_batches, theirs = await registered(store, events=["batch.completed"]), await registered(store, tenant=OTHER)
    later = await registered(store, at=SOON)
    await issued(store)
    assert await store.webhooks.is_due(now=SOON)
    assert (await store.webhooks.route(now=SOON), await store.webhooks.route(now=SOON)) == (1, 0)
    claims = await taken(store)
    assert {claim.endpoint_id for claim in claims} == {mine, also_mine}
    assert {secret for claim in claims for secret in claim.secrets} == {b"s" * 32}
    assert len({claim.id for claim in claims}) == 2
    for other in (of_batches, later):
        assert await states(store, other) == []
    assert await states(store, theirs, tenant=OTHER) == []


async def test_event_says_ids_version_and_state(store: Store) -> None:
    await registered(store)
    await issued(store)
    await store.webhooks.route(now=SOON)
    (claim,) = await taken(store)
    assert claim.kind == "report.issued"
    assert claim.facts.keys() == {"verification_id", "report_id", "version", "state"}
    assert claim.facts["version"] == 1


async def test_event_says_why_the_version_was_made(store: Store) -> None:
    await registered(store)
    held = await accept(store)
    assert isinstance(held, Accepted)
    await store.issue(issue(held, reason="late_answer"))
    await store.webhooks.route(now=SOON)
    (claim,) = await taken(store)
    assert claim.facts["reason"] == "late_answer"


async def test_what_is_taken_is_due_again_when_nobody_settles_it(store: Store) -> None:
    await registered(store)
    await issued(store)
    await store.webhooks.route(now=SOON)
    (first,) = await taken(store)
    assert await taken(store) == []
    assert not await store.webhooks.is_due(now=SOON)
    (again,) = await taken(store, now=LATER)
    assert (again.id, first.attempts, again.attempts) == (first.id, 1, 2)
    assert again.facts == first.facts
    await store.webhooks.settle(first, failed(first))  # the process that was thought dead comes back
    assert await taken(store, now=LATER) == []
    await store.webhooks.settle(again, delivered())
    assert await taken(store, now=MUCH_LATER) == []


async def test_no_endpoint_gets_more_than_its_turn(store: Store) -> None:
    one = await registered(store)
    await issued(store, times=10)
    await store.webhooks.route(now=SOON)
    other = await registered(store, at=NOW - timedelta(days=2))
    await issued(store)
    await store.webhooks.route(now=SOON)
    first = await taken(store)
    assert sorted(claim.endpoint_id for claim in first) == sorted([one] * 4 + [other])
    assert {claim.endpoint_id for claim in await taken(store)} == {one}
    assert await taken(store, busy={one}) == []


async def test_failing_endpoint_is_paused_and_then_tried_with_one_delivery(store: Store) -> None:
    endpoint = await registered(store)
    await issued(store, times=TRIAL_AFTER + 2)
    await store.webhooks.route(now=SOON)
    claims = [*await taken(store), *await taken(store)]
    for claim in claims[:TRIAL_AFTER]:
        await store.webhooks.settle(claim, failed(claim, paused_until=LATER))
    assert (await store.webhooks.endpoint(tenant=TENANT, endpoint_id=endpoint)).failures == TRIAL_AFTER
    assert (await store.backlog(now=SOON)).failing_endpoints == 1
    assert await taken(store, now=LATER - timedelta(seconds=1)) == []
    (trial,) = await taken(store, now=LATER)
    assert await taken(store, now=LATER) == []
    await store.webhooks.settle(trial, delivered())
    assert len(await taken(store, now=LATER)) == 4


async def test_who_says_gone_gets_nothing_more(store: Store) -> None:
    endpoint = await registered(store)
    await issued(store, times=2)
    await store.webhooks.route(now=SOON)
    first, _ = await taken(store)
    await store.webhooks.settle(first, failed(first, state=DeliveryState.DEAD, outcome="gone", is_gone=True))
    assert (await store.webhooks.endpoint(tenant=TENANT, endpoint_id=endpoint)).state is EndpointState.GONE
    assert {state for state, _, _ in await states(store, endpoint)} == {"dead"}
    await issued(store)
    await store.webhooks.route(now=SOON)
    assert await taken(store, now=MUCH_LATER) == []
    actions = [entry.action for entry in await store.audit_log(tenant=TENANT)]
    assert "webhook.gone" in actions


async def test_dead_deliveries_are_listed_and_tried_again_with_the_same_id(store: Store) -> None:
    endpoint = await registered(store)
    await issued(store, times=2)
    await store.webhooks.route(now=SOON)
    claims = await taken(store)
    await store.webhooks.settle(claims[0], failed(claims[0], state=DeliveryState.DEAD))
    await store.webhooks.settle(claims[1], delivered())
    backlog = await store.backlog(now=SOON)
    assert (backlog.waiting_deliveries, backlog.dead_deliveries) == (0, 1)
    (dead,) = await store.webhooks.deliveries(tenant=TENANT, endpoint_id=endpoint, state=DeliveryState.DEAD)
    assert dead.id == claims[0].id
    assert await store.webhooks.deliveries(tenant=TENANT, endpoint_id=endpoint, state=DeliveryState.DEAD, after=dead.number) == []
    assert await store.webhooks.redeliver(tenant=TENANT, endpoint_id=endpoint, delivery_id=None, actor="me", now=SOON) == 1
    assert await store.webhooks.redeliver(tenant=TENANT, endpoint_id=endpoint, delivery_id=claims[1].id, actor="me", now=SOON) == 1
    assert {(claim.id, claim.attempts) for claim in await taken(store)} == {(claim.id, 1) for claim in claims}


async def test_disabled_endpoint_gives_up_what_waits_and_may_be_enabled(store: Store) -> None:
    endpoint = await registered(store)
    await issued(store)
    await store.webhooks.route(now=SOON)
    for _ in range(2):
        await store.webhooks.switch(tenant=TENANT, endpoint_id=endpoint, state=EndpointState.DISABLED, actor="me", now=SOON)
    assert await states(store, endpoint) == [("dead", 0, "endpoint_disabled")]
    with pytest.raises(WrongState):
        await store.webhooks.redeliver(tenant=TENANT, endpoint_id=endpoint, delivery_id=None, actor="me", now=SOON)
    await store.webhooks.switch(tenant=TENANT, endpoint_id=endpoint, state=EndpointState.ENABLED, actor="me", now=SOON)
    assert await store.webhooks.redeliver(tenant=TENANT, endpoint_id=endpoint, delivery_id=None, actor="me", now=SOON) == 1


async def test_endpoints_are_their_tenants_and_not_without_number(store: Store) -> None:
    endpoint = await registered(store)
    with pytest.raises(NotFound):
        await store.webhooks.endpoint(tenant=OTHER, endpoint_id=endpoint)
    with pytest.raises(NotFound):
        await store.webhooks.deliveries(tenant=OTHER, endpoint_id=endpoint)
    with pytest.raises(NotFound):
        await store.webhooks.redeliver(tenant=OTHER, endpoint_id=endpoint, delivery_id=None, actor="x", now=SOON)
    assert await store.webhooks.endpoints(tenant=OTHER) == []
    for _ in range(MOST_ENABLED - 1):
        await registered(store)
    with pytest.raises(WrongState):
        await registered(store)


async def test_old_secret_signs_along_until_its_time_and_only_the_last_one(store: Store) -> None:
    endpoint = await registered(store)
    await issued(store)
    await store.webhooks.route(now=SOON)
    for secret in (b"t" * 32, b"u" * 32):
        rotated = await store.webhooks.rotate(tenant=TENANT, endpoint_id=endpoint, rotation=Rotation(secret, LATER, "actor", NOW))
        assert rotated.old_secret_until == LATER
    assert [claim.secrets for claim in await taken(store)] == [[b"u" * 32, b"t" * 32]]
    assert [claim.secrets for claim in await taken(store, now=LATER)] == [[b"u" * 32]]
    with pytest.raises(NotFound):
        await store.webhooks.rotate(tenant=OTHER, endpoint_id=endpoint, rotation=Rotation(b"v" * 32, LATER, "actor", NOW))
    acts = [entry.action for entry in await store.audit_log(tenant=TENANT)]
    assert acts.count("webhook.secret_rotated") == 2
