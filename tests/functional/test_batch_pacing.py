"""A batch goes at the pace of the registers: it says why it waits, goes on by itself, and makes no version in vain."""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any

from bench.households import bodies
from tests.functional.batches import BatchClient, hall
from verify_service.verification.plan import CHINA

# The synthetic population has people whom a register does not know.
TOLD = {"answered.records", "answered.no_record", "identity.person_not_found", "not_asked.not_required"}


def overridden(sources: Path, source: str, **tables: object) -> None:
    endpoints = json.loads(sources.read_bytes())
    endpoints[source]["overrides"] = tables
    sources.write_text(json.dumps(endpoints), encoding="utf-8")


def done(batch: dict[str, Any]) -> int:
    return int(batch["results"]["final"] + batch["results"]["partial"])


def outcomes(batch: dict[str, Any]) -> set[str]:
    return {code for codes in batch["outcomes"].values() for code in codes}


def await_reason(client: BatchClient, batch_id: str, reason: str) -> dict[str, Any]:
    return await_that(client, batch_id, lambda batch: batch["estimate"] is not None and batch["estimate"]["reason"] == reason)


def await_that(client: BatchClient, batch_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    until = time.monotonic() + 120
    while not holds(batch := client.batch(batch_id)):
        assert time.monotonic() < until, batch
        time.sleep(0.1)
    return batch


def test_everybody_who_answers_is_in_the_first_version(tmp_path: Path) -> None:
    """A deferred source within the patience, and a register that opens after a while."""
    with hall(tmp_path, None, sandbox=("--faults", "none"), VERIFY_CHUNK_ROWS="5") as opened:
        opens = datetime.now(UTC).astimezone(CHINA) + timedelta(seconds=20)
        hours = {"opens": f"{opens:%H:%M:%S}", "closes": "00:00:00", "days": "all"}
        overridden(opened.place.sources, "pension", hours=[hours])
        receipt = opened.client.submit(b"\n".join(islice(bodies(members=2), 10))).json()
        opened.worker()
        waiting = await_reason(opened.client, receipt["batch_id"], "the hours of pension")
        assert waiting["results"] == {"final": 0, "partial": 0, "rejected": 0, "cancelled": 0}
        assert abs(datetime.fromisoformat(waiting["estimate"]["at"]) - opens) < timedelta(seconds=1)
        batch = opened.client.await_completed(receipt["batch_id"])
        assert done(batch) == 10
        assert outcomes(batch) <= TOLD
        assert {row["report"]["header"]["version"] for row in opened.client.results(batch["id"])} == {1}


def test_quota_that_is_spent_puts_the_rest_off(tmp_path: Path) -> None:
    """Two calls a day: the third chunk waits for tomorrow, put off whole or for the one register; nothing of it is lost."""
    with hall(tmp_path, None, sandbox=("--faults", "none"), VERIFY_CHUNK_ROWS="5") as opened:
        overridden(opened.place.sources, "property", quota={"per_second": 10, "per_day": 3, "use_percent": 100})
        receipt = opened.client.submit(b"\n".join(islice(bodies(members=2), 15))).json()
        opened.worker()
        waiting = await_reason(opened.client, receipt["batch_id"], "the quota of property")
        assert datetime.fromisoformat(waiting["estimate"]["at"]) > datetime.now(UTC) + timedelta(seconds=30)
        assert waiting["state"] == "running"
        assert sum(n for code, n in waiting["outcomes"]["property"].items() if code != "not_asked.quota_deferred") == 20
        assert outcomes(waiting) <= TOLD | {"not_asked.quota_deferred"}
        assert opened.client.act(receipt["batch_id"], "cancel").status_code == 200
        cancelled = opened.client.batch(receipt["batch_id"])
        assert sum(cancelled["results"].values()) == 15
