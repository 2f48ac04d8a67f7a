"""Webhooks with real processes on both databases: told at least once and under one id, whoever dies meanwhile."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from tests.functional.batches import BatchClient, Hall, hall
from tests.receivers import Receiver, receiver


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else str(request.getfixturevalue("pg_database_url"))


async def test_worker_tells_and_another_goes_on_where_it_was_killed(tmp_path: Path, database: str | None, repo_root: Path) -> None:
    async with receiver("fails") as there:
        with hall(tmp_path, database, VERIFY_WEBHOOK_NETWORKS='["127.0.0.0/8"]') as opened:
            endpoint = await asyncio.to_thread(_begin, opened, there, repo_root)
            refused = await asyncio.to_thread(_until, opened.client, endpoint, last_outcome="http_5xx")
            opened.workers[0].kill()
            there.does = "takes"
            opened.worker()
            taken = await asyncio.to_thread(_until, opened.client, endpoint, state="delivered")
    assert {delivery["id"] for delivery in refused} <= {delivery["id"] for delivery in taken}
    told: dict[str, list[dict[str, Any]]] = {}
    for headers, content in there.got:
        Webhook(endpoint["secret"]).verify(content, headers)
        told.setdefault(headers["webhook-id"], []).append(json.loads(content))
    assert {sent[0]["type"] for sent in told.values()} == {"batch.completed", "report.issued"}
    assert all(sent[1:] == sent[:-1] for sent in told.values())
    assert all(len(told[delivery["id"]]) >= 2 for delivery in refused)


def _begin(opened: Hall, there: Receiver, repo_root: Path) -> dict[str, Any]:
    """Register the receiver, ask for a household and cancel a batch."""
    http = opened.client.http
    registered = http.post("/v1/webhook-endpoints", json={"url": there.url}).raise_for_status().json()
    household = (repo_root / "examples" / "household.json").read_bytes()
    http.post("/v1/verifications", content=household, headers={"content-type": "application/json"}).raise_for_status()
    batch = opened.client.submit((repo_root / "examples" / "batch.ndjson").read_bytes()).json()
    opened.client.act(batch["batch_id"], "cancel").raise_for_status()
    opened.worker()
    return dict(registered)


def _until(client: BatchClient, endpoint: dict[str, Any], **wanted: str) -> list[dict[str, Any]]:
    """Return the deliveries of a report and of a batch, and of whatever else, once all are as wanted."""
    path = f"/v1/webhook-endpoints/{endpoint['endpoint']['id']}/deliveries"
    return client.await_that(
        lambda: list(client.http.get(path).raise_for_status().json()["deliveries"]),
        lambda found: (
            {delivery["kind"] for delivery in found} == {"batch.completed", "report.issued"}
            and all(wanted.items() <= delivery.items() for delivery in found)
        ),
    )
