"""A client of batches over HTTP, and a service with workers for it: registers, API and workers are processes of their own."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx
import orjson
from sqlalchemy import make_url

from tests.functional.checker import Ledgers, Receipts, read_ledgers
from tests.functional.processes import Installation, Process, registers

T = TypeVar("T")
NDJSON, CSV = "application/x-ndjson", "text/csv"


@dataclass
class BatchClient:
    """What a welfare system does with batches, and what it was told: its receipts."""

    http: httpx.Client
    receipts: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict, repr=False)
    replies: dict[str, list[bytes]] = field(default_factory=dict, repr=False)

    def submit(self, content: bytes, *, kind: str = NDJSON, key: str | None = None, **query: str) -> httpx.Response:
        headers = {"content-type": kind, **({} if key is None else {"idempotency-key": key})}
        answer = self.http.post("/v1/batches", content=content, headers=headers, params=query)
        if answer.status_code == 202:
            self.receipts[answer.json()["batch_id"]], self.files[answer.json()["batch_id"]] = answer.json(), content
            self.replies.setdefault(key or answer.json()["batch_id"], []).append(answer.content)
        return answer

    def batch(self, batch_id: str) -> dict[str, Any]:
        return dict(self.http.get(f"/v1/batches/{batch_id}").raise_for_status().json()["batch"])

    def act(self, batch_id: str, act: str) -> httpx.Response:
        return self.http.post(f"/v1/batches/{batch_id}/{act}")

    def await_state(self, batch_id: str, *states: str, seconds: float = 120) -> dict[str, Any]:
        """Wait for a state; the database may be away for a moment."""

        def look() -> dict[str, Any]:
            answer = self.http.get(f"/v1/batches/{batch_id}")
            return {"state": "unknown"} if answer.status_code == 503 else dict(answer.raise_for_status().json()["batch"])

        return self.await_that(look, lambda batch: batch["state"] in states, seconds=seconds)

    def await_that(self, look: Callable[[], T], is_so: Callable[[T], bool], *, seconds: float = 120) -> T:
        """Look again and again until what is seen is so."""
        until = time.monotonic() + seconds
        while not is_so(seen := look()):
            assert time.monotonic() < until, seen
            time.sleep(0.1)
        return seen

    def await_completed(self, batch_id: str, *, seconds: float = 120) -> dict[str, Any]:
        return self.await_state(batch_id, "completed", seconds=seconds)

    def results(self, batch_id: str, *, after: int = 0) -> list[dict[str, Any]]:
        answer = self.http.get(f"/v1/batches/{batch_id}/results", params={"after": after}).raise_for_status()
        return [orjson.loads(line) for line in answer.content.splitlines()]

    def errors(self, batch_id: str) -> list[dict[str, Any]]:
        answer = self.http.get(f"/v1/batches/{batch_id}/errors", headers={"accept": NDJSON}).raise_for_status()
        return [orjson.loads(line) for line in answer.content.splitlines()]


@dataclass
class Hall:
    """An installation with its API running, and workers that come and go."""

    place: Installation
    client: BatchClient
    api: Process
    workers: list[Process] = field(default_factory=list)

    def worker(self) -> Process:
        process = self.place.worker()
        self.workers.append(process)
        return process

    def ledgers(self, batch_id: str, **seen: Any) -> Ledgers:
        """Read the three ledgers for a batch that is over; `seen` is what the test did to the service meanwhile."""
        client, url = self.client, self.place.database_url or f"sqlite:///{self.place.folder / 'var' / 'verify.db'}"
        receipts = Receipts("example", client.files[batch_id], client.receipts[batch_id], client.results(batch_id), client.replies, **seen)
        return read_ledgers(self.place.folder / "journal", url, receipts)


@contextmanager
def hall(folder: Path, database_url: str | None, *, sandbox: tuple[str, ...] = (), **settings: str) -> Iterator[Hall]:
    """Serve registers and API in processes of their own; end all of them, and the job engine's database, with the block."""
    with registers(folder, "--journal", str(folder / "journal"), *sandbox) as sources:
        place = BatchInstallation(folder, sources, database_url, settings=settings)
        token = place.new_client()["access_token"]
        api = place.serve()
        with httpx.Client(base_url=place.base_url, timeout=60, trust_env=False, headers={"authorization": f"Bearer {token}"}) as http:
            opened = Hall(place, BatchClient(http), api)
            try:
                yield opened
            finally:
                for process in (*opened.workers, api):
                    process.kill()
                if database_url is not None:
                    drop_jobs_database(database_url)


@dataclass
class BatchInstallation(Installation):
    """An installation with more settings."""

    settings: dict[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        return {**super().environment, **self.settings}


def drop_jobs_database(database_url: str) -> None:
    """Drop the database that the job engine made beside the test's own."""
    from tests.conftest import administer

    url = make_url(database_url)
    administer(url.set(database="postgres"), f'DROP DATABASE IF EXISTS "{url.database}_jobs" WITH (FORCE)')


def payload(jws: str) -> dict[str, Any]:
    """Return what a compact JWS says, without verifying it."""
    from base64 import urlsafe_b64decode

    body = jws.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4))))
