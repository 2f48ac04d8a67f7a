"""A whole service whose API and worker run with bugs that a file switches, registers that keep journals, and scenes to try a bug in."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from bench.households import bodies
from tests.functional.batches import BatchClient, BatchInstallation
from tests.functional.checker import Ledgers, Receipts, read_ledgers
from tests.functional.processes import Process, await_ready, free_port, registers

CONTRACT = {"property": 4}  # calls a second; so few that asking takes some seconds
ENDED = {"completed", "cancelled"}
MOST_SECONDS = 30


@dataclass
class Buggy(BatchInstallation):
    """An installation whose processes read a file to see which bug is on."""

    @property
    def switch(self) -> Path:
        return self.folder / "bug"

    def start(self, *command: str) -> Process:
        process = Process(command, self.folder, self.environment, module=("tests.functional.mutants", str(self.switch)))
        process.start()
        return process


@dataclass
class Workshop:
    """The running service, its client, a client of another tenant, and a worker that is started when there is none."""

    place: Buggy
    client: BatchClient
    stranger: BatchClient
    journal: Path
    worker: Process | None = None
    first_household: int = 0
    disturbances: int = 0
    receipts: dict[str, Receipts] = field(default_factory=dict)

    def turn(self, *bugs: str) -> None:
        self.place.switch.write_text(" ".join(bugs), encoding="utf-8")

    def households(self, number: int, *sources: str) -> list[dict[str, Any]]:
        """Return households that nobody was asked about yet."""
        self.first_household += 1000
        found = [json.loads(body) for body in islice(bodies(members=None, first_household=self.first_household), number)]
        return [household | {"sources": list(sources)} for household in found]

    def submit(self, households: list[dict[str, Any]]) -> Receipts:
        """Hand them in, twice under one key, as a client does that lost the answer."""
        content = b"\n".join(json.dumps(household).encode() for household in households)
        key = f"key-{self.first_household}"
        receipt = self.client.submit(content, key=key).json()
        self.client.submit(content, key=key)
        replies = {key: self.client.replies[key]}
        return Receipts("example", content, receipt, replies=replies, per_second=CONTRACT)

    def work(self) -> None:
        if self.worker is None or self.worker.popen is None or self.worker.popen.poll() is not None:
            self.worker = self.place.start("work")

    def await_end(self, receipts: Receipts) -> None:
        """Wait until the batch is over, as far as it will ever be."""
        until = time.monotonic() + MOST_SECONDS
        while time.monotonic() < until:
            answer = self.client.http.get(f"/v1/batches/{receipts.receipt['batch_id']}")
            if answer.status_code == 404 or answer.json()["batch"]["state"] in ENDED:
                return
            time.sleep(0.1)

    def ledgers(self, receipts: Receipts) -> Ledgers:
        """Fetch the results, look as a stranger, and read the other two ledgers."""
        path = f"/v1/batches/{receipts.receipt['batch_id']}"
        answer = self.client.http.get(f"{path}/results")
        receipts.results = [json.loads(line) for line in answer.content.splitlines()] if answer.status_code == 200 else []
        receipts.strangers = [self.stranger.http.get(path).status_code]
        return read_ledgers(self.journal, f"sqlite:///{self.place.folder / 'var' / 'verify.db'}", receipts)

    def asked(self, source: str) -> int:
        """Return how many messages a register has had."""
        file = self.journal / f"{source}.ndjson"
        return file.read_bytes().count(b'"what":"asked"') if file.exists() else 0


@contextmanager
def workshop(folder: Path) -> Iterator[Workshop]:
    """Serve registers and API until the block ends."""
    journal = folder / "journal"
    with ExitStack() as stack:
        sources = stack.enter_context(registers(folder, "--journal", str(journal), "--ready-after", "0.3"))
        arrange(sources)
        place = Buggy(folder, sources, settings={"VERIFY_CHUNK_ROWS": "30", "VERIFY_BATCH_PATIENCE_SECONDS": "4"})
        place.switch.write_text("", encoding="utf-8")
        example, other = (client(stack, place, tenant) for tenant in ("example", "other"))
        api = place.start("serve", "--port", str(place.port))
        stack.callback(api.kill)
        await_ready(place.base_url, api)
        opened = Workshop(place, example, other, journal)
        opened.work()
        try:
            yield opened
        finally:
            if opened.worker is not None:
                opened.worker.kill()


def client(stack: ExitStack, place: Buggy, tenant: str) -> BatchClient:
    headers = {"authorization": f"Bearer {place.new_client(tenant)['access_token']}"}
    return BatchClient(stack.enter_context(httpx.Client(base_url=place.base_url, timeout=60, trust_env=False, headers=headers)))


def arrange(sources: Path) -> None:
    """Let one register be asked a few times a second only, and another be where nobody listens."""
    endpoints = json.loads(sources.read_bytes())
    for source, calls in CONTRACT.items():
        endpoints[source]["overrides"]["quota"] = {"per_second": calls, "per_day": 100_000}
    endpoints["business_registration"]["base_url"] = f"http://127.0.0.1:{free_port()}"
    sources.write_text(json.dumps(endpoints), encoding="utf-8")


Scene = Callable[[Workshop], Receipts]


def calm(shop: Workshop) -> Receipts:
    receipts = shop.submit(shop.households(12, "vehicle", "pension", "securities"))
    shop.await_end(receipts)
    return receipts


def half_consented(shop: Workshop) -> Receipts:
    """Give the applicant a consent for one register alone."""
    households = shop.households(6, "vehicle", "pension")
    for household in households:
        household["consents"][0]["sources"] = ["vehicle"]
    receipts = shop.submit(households)
    shop.await_end(receipts)
    return receipts


def unavailable(shop: Workshop) -> Receipts:
    receipts = shop.submit(shop.households(6, "pension", "business_registration"))
    shop.await_end(receipts)
    return receipts


def many_calls(shop: Workshop) -> Receipts:
    receipts = shop.submit(shop.households(60, "property"))
    shop.await_end(receipts)
    return receipts


def cancelled(shop: Workshop) -> Receipts:
    """Cancel as soon as the first questions are out; then look on."""
    before = shop.asked("property")
    receipts = shop.submit(shop.households(150, "property"))
    until = time.monotonic() + MOST_SECONDS
    while shop.asked("property") == before and time.monotonic() < until:
        time.sleep(0.02)
    shop.client.act(receipts.receipt["batch_id"], "cancel").raise_for_status()
    receipts.cancelled_at = datetime.now(UTC)
    time.sleep(3)
    return receipts


def restarted(shop: Workshop) -> Receipts:
    """Let the worker die before the first write, and another one go on."""
    bugs = shop.place.switch.read_text("utf-8").split()
    shop.turn(*bugs, "dies")
    receipts = shop.submit(shop.households(6, "vehicle", "securities"))
    receipts.disturbances = 1
    if shop.worker is not None and shop.worker.popen is not None:
        shop.worker.popen.wait(MOST_SECONDS)
    shop.turn(*bugs)
    shop.work()
    shop.await_end(receipts)
    return receipts


SCENES: dict[str, Scene] = {scene.__name__: scene for scene in (calm, half_consented, unavailable, many_calls, cancelled, restarted)}
