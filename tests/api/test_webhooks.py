"""Webhooks from registration to receipt: the real routes, store and courier, and receivers on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.api.house import House
from tests.receivers import Receiver, receiver
from verify_service.bulk.webhooks.delivery import Courier
from verify_service.bulk.webhooks.sender import open_sender

ROUTE = "/v1/webhook-endpoints"


@pytest.fixture
async def courier(house: House) -> AsyncIterator[Courier]:
    """Return what a worker does beside its other work; loopback is allowed, and nobody is waited for longer than a moment."""
    house.clock.now = datetime.now(UTC)  # the other implementation of the signature looks at the real time
    house.services.limits = replace(house.services.limits, webhook_networks=(ip_network("127.0.0.0/8"),))
    async with open_sender(house.services.limits.webhook_networks, seconds=0.5) as sender:
        yield Courier(house.services, sender, lambda low, _: low)


async def registered(house: House, there: Receiver, **wanted: Any) -> dict[str, Any]:
    answer = await house.act(ROUTE, {"url": there.url, **wanted})
    assert answer.status_code == 201
    assert answer.headers["location"] == f"{ROUTE}/{answer.json()['endpoint']['id']}"
    return dict(answer.json())


async def delivered(courier: Courier) -> None:
    """Make every delivery that is due."""
    while await courier.round():
        await courier.finish()


async def seen(house: House, endpoint: dict[str, Any]) -> dict[str, Any]:
    return dict((await house.get(f"{ROUTE}/{endpoint['endpoint']['id']}")).json()["endpoint"])


async def listed(house: House, endpoint: dict[str, Any], query: str = "") -> list[dict[str, Any]]:
    return list((await house.get(f"{ROUTE}/{endpoint['endpoint']['id']}/deliveries{query}")).json()["deliveries"])


async def test_receiver_is_told_of_a_report_and_can_verify_it(house: House, courier: Courier) -> None:
    async with receiver() as there:
        endpoint = await registered(house, there)
        report = (await house.post()).json()["verification"]
        await delivered(courier)
        ((headers, content),) = there.got
    said = Webhook(endpoint["secret"]).verify(content, headers)
    assert said == json.loads(content)
    assert (said["type"], said["data"]["report_id"], said["data"]["state"]) == ("report.issued", report["report_id"], report["state"])
    assert (await house.get(said["data"]["links"]["report"])).status_code == 200
    (delivery,) = await listed(house, endpoint)
    assert (delivery["id"], delivery["state"], delivery["last_outcome"]) == (headers["webhook-id"], "delivered", "delivered")


async def test_receiver_is_told_that_a_batch_is_over(house: House, courier: Courier) -> None:
    async with receiver() as there:
        await registered(house, there, events=["batch.completed"])
        await house.post()
        handed_in = await house.act("/v1/batches", b"{}\n", Content_Type="application/x-ndjson")
        batch = handed_in.json()["batch_id"]
        await house.act(f"/v1/batches/{batch}/cancel", b"")
        await delivered(courier)
        ((_, content),) = there.got
    said = json.loads(content)
    assert (said["type"], said["data"]["batch_id"], said["data"]["state"]) == ("batch.completed", batch, "cancelled")
    assert said["data"]["results"] == {"final": 0, "partial": 0, "rejected": 1, "cancelled": 0}


async def test_nothing_of_the_household_is_in_what_is_sent(house: House, courier: Courier) -> None:
    async with receiver() as there:
        await registered(house, there)
        await house.post()
        await delivered(courier)
        sent = there.got[0][1].decode()
    members = json.loads((await house.get("/openapi.json")).content)["components"]["examples"]["household"]["value"]["household"]["members"]
    assert members
    for member in members:
        assert member["id_number"] not in sent
        assert member["name"] not in sent


@pytest.mark.usefixtures("courier")
async def test_secret_is_shown_once(house: House) -> None:
    async with receiver() as there:
        endpoint = await registered(house, there)
    for path in (ROUTE, f"{ROUTE}/{endpoint['endpoint']['id']}"):
        assert endpoint["secret"] not in (await house.get(path)).text
    assert endpoint["secret"].encode() not in house.database.read_bytes()


async def test_receiver_that_was_down_gets_it_later_under_the_same_id(house: House, courier: Courier) -> None:
    async with receiver("fails") as there:
        endpoint = await registered(house, there)
        await house.post()
        await delivered(courier)
        assert [d["last_outcome"] for d in await listed(house, endpoint, "?state=waiting")] == ["http_5xx"]
        there.does = "takes"
        house.clock.pass_by(seconds=4)
        await delivered(courier)
        assert len(there.got) == 1
        house.clock.pass_by(seconds=1)
        await delivered(courier)
        first, second = there.got
    assert first[0]["webhook-id"] == second[0]["webhook-id"]
    assert first[1] == second[1]
    assert (await listed(house, endpoint))[0]["attempts"] == 2


async def test_receiver_that_stays_away_ends_in_the_dead_letters_and_is_tried_when_asked(house: House, courier: Courier) -> None:
    async with receiver("fails") as there:
        endpoint = await registered(house, there)
        await house.post()
        for _ in range(12):
            await delivered(courier)
            house.clock.pass_by(hours=25)
        assert len(there.got) == 10
        (dead,) = await listed(house, endpoint, "?state=dead")
        assert (await seen(house, endpoint))["failures"] == 10
        there.does = "takes"
        path = f"{ROUTE}/{endpoint['endpoint']['id']}"
        assert (await house.act(f"{path}/deliveries/{dead['id']}/redeliver", b"")).json() == {"deliveries": 1}
        await delivered(courier)
        assert (await house.act(f"{path}/redeliver-dead", b"")).json() == {"deliveries": 0}
    assert {headers["webhook-id"] for headers, _ in there.got} == {dead["id"]}
    assert (await seen(house, endpoint))["failures"] == 0


async def test_receiver_that_is_gone_is_sent_nothing_more(house: House, courier: Courier) -> None:
    async with receiver("is gone") as there:
        endpoint = await registered(house, there)
        for _ in range(2):
            await house.post()
            await delivered(courier)
        assert len(there.got) == 1
    assert (await seen(house, endpoint))["state"] == "gone"


async def test_redirect_is_not_followed(house: House, courier: Courier) -> None:
    async with receiver("redirects") as there, receiver() as elsewhere:
        there.moved_to = elsewhere.port
        endpoint = await registered(house, there)
        await house.post()
        await delivered(courier)
        assert elsewhere.got == []
    assert (await listed(house, endpoint))[0]["last_outcome"] == "http_3xx"


async def test_receiver_that_hangs_holds_nobody_up(house: House, courier: Courier) -> None:
    async with receiver("hangs") as slow, receiver() as quick:
        await registered(house, slow)
        await registered(house, quick)
        for _ in range(6):
            await house.post()
        async with asyncio.timeout(30):
            while len(quick.got) < 6:
                await courier.round()
                await asyncio.sleep(0.01)
        assert len(slow.got) <= 4
        await courier.finish()


async def test_endpoint_that_the_deployment_no_longer_allows_is_not_reached(house: House, courier: Courier) -> None:
    async with receiver() as there:
        endpoint = await registered(house, there)
        await house.post()
        async with open_sender([]) as strict:
            await delivered(Courier(house.services, strict, courier.uniform))
        assert there.got == []
    assert (await listed(house, endpoint))[0]["last_outcome"] == "forbidden_address"


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"url": "http://welfare.example/"}, "/url", "https"),
        ({"url": "https://10.0.0.1/"}, "/url", "public_address"),
        ({"url": "https://welfare.example/", "events": []}, "/events", "too_short"),
        ({"url": "https://welfare.example/", "events": ["report.burnt"]}, "/events/0", "enum"),
        ({"url": "https://welfare.example/", "secret": "mine"}, "/secret", "unknown_field"),
        ({}, "/url", "required"),
    ],
)
async def test_what_cannot_be_registered(house: House, body: dict[str, Any], pointer: str, rule: str) -> None:
    answer = await house.act(ROUTE, body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-request")
    assert [(error["pointer"], error["rule"]) for error in answer.json()["errors"]] == [(pointer, rule)]


async def test_deliveries_come_in_pages(house: House, courier: Courier) -> None:
    async with receiver() as there:
        endpoint = await registered(house, there)
        for _ in range(3):
            await house.post()
        await delivered(courier)
    path = f"{ROUTE}/{endpoint['endpoint']['id']}/deliveries"
    first = (await house.get(f"{path}?limit=2")).json()
    second = (await house.get(f"{path}?limit=2&after={first['next']}")).json()
    assert (len(first["deliveries"]), len(second["deliveries"]), second["next"]) == (2, 1, None)


async def test_receiver_may_go_on_with_the_old_secret_for_a_day_after_a_rotation(house: House, courier: Courier) -> None:
    async with receiver() as there:
        before = await registered(house, there)
        rotated = (await house.act(f"{ROUTE}/{before['endpoint']['id']}/rotate-secret", b"")).json()
        assert rotated["endpoint"]["old_secret_until"] == (house.clock.now + timedelta(days=1)).isoformat().replace("+00:00", "Z")
        await house.post()
        await delivered(courier)
        ((headers, content),) = there.got
    assert before["secret"] != rotated["secret"]
    for secret in (before["secret"], rotated["secret"]):
        assert Webhook(secret).verify(content, headers) == json.loads(content)
    assert rotated["secret"] not in (await house.get(ROUTE)).text
