"""Deferred registers that forget, never answer, or are asked by a process that dies: the work is not lost and not done twice."""

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.functional.conftest import client_of
from tests.functional.processes import Installation, Process, free_port, registers
from tests.functional.raw_server import hangs, serving
from tests.functional.test_recompute import complete, next_version
from verify_service.amending.acts import close_gaps
from verify_service.bootstrap import installed_cases, open_services, utc_now
from verify_service.bulk.recompute import recompute_report
from verify_service.domain.amendment import ActRequest
from verify_service.domain.outcome import Answer, Question
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.services import Finished, Services
from verify_service.settings import Settings
from verify_service.sources.adapter import DeferredAdapter, Exchange, SourceClient, Ticket
from verify_service.sources.definition import Endpoint, Source
from verify_service.storage.records import Client, StoredTicket, TicketState
from verify_service.verification.answer import payload_of
from verify_service.verification.fanout import Channel

SOON_SECONDS, DAYS_SECONDS = 1.0, 600_000.0
MOST_AT_ONCE = 16
SUBMITTED = re.compile(rb"x-dedupe-key: ([0-9a-f]+)", re.IGNORECASE)


@asynccontextmanager
async def depository(port: int, *, ready_after_seconds: float) -> AsyncIterator[Mapping[str, Endpoint]]:
    """Serve the depository alone; each time it is served it has forgotten everything."""
    options = SandboxOptions(ready_after_seconds=ready_after_seconds, first_port=port)
    async with serve_registers({"securities": installed_cases()["securities"]}, options, clock=utc_now) as endpoints:
        yield endpoints


async def ticket_of(services: Services, client: Client, finished: Finished) -> StoredTicket:
    (ticket,) = await services.store.tickets(tenant=client.tenant, verification_id=finished.verification["id"])
    return ticket


def only_securities(household: bytes) -> bytes:
    return orjson.dumps({**orjson.loads(household), "sources": ["securities"]})


async def test_a_register_that_forgot_the_ticket_is_handed_the_same_work_again(settings: Settings, household: bytes) -> None:
    port = free_port()
    async with depository(port, ready_after_seconds=SOON_SECONDS) as endpoints, open_services(settings, endpoints=endpoints) as services:
        client = await client_of(services)
        first = await complete(services, client, only_securities(household))
        before = await ticket_of(services, client, first)
    async with depository(port, ready_after_seconds=0.1) as endpoints, open_services(settings, endpoints=endpoints) as services:
        second = await next_version(services, client, first)
        after = await ticket_of(services, client, first)
        assert await recompute_report(services, tenant=client.tenant, report_id=second)
        audited = [e for e in await services.store.audit_log(tenant=client.tenant) if e.action == "ticket.handed_in_again"]
    assert (before.submissions, after.submissions) == (1, 2)
    assert before.file_digest is not None
    assert (after.file_digest, after.ticket.dedupe_key) == (before.file_digest, before.ticket.dedupe_key)
    assert after.ticket.latest == before.ticket.latest
    assert after.state is TicketState.DONE
    assert [e.detail["submission"] for e in audited] == [2]


async def test_after_the_latest_date_the_cells_are_closed_and_an_officer_may_close_the_gaps(settings: Settings, household: bytes) -> None:
    now = [utc_now()]
    async with (
        depository(free_port(), ready_after_seconds=DAYS_SECONDS) as endpoints,
        open_services(settings, endpoints=endpoints, clock=lambda: now[0]) as services,
    ):
        client = await client_of(services)
        first = await complete(services, client, only_securities(household))
        now[0] += timedelta(days=8)
        second = await next_version(services, client, first)
        report = await services.report(client, second)
        assert await recompute_report(services, tenant=client.tenant, report_id=second)
        assert (await ticket_of(services, client, first)).state is TicketState.EXPIRED
        asked = ActRequest.model_validate({"officer": {"name_or_id": "孙复核", "office": "示例一市甲区民政局"}, "reason": "登记机关未反馈"})
        closed = orjson.loads((await close_gaps(services, client, second, asked, key=None)).payload)
    body = payload(report.jws)
    assert (body["header"]["state"], body["header"]["reason"], body["header"]["version"]) == ("partial", "waiting_ended", 2)
    assert {cell["outcome"] for cell in body["coverage"] if cell["source"] == "securities"} == {"unavailable.timeout"}
    assert (closed["header"]["state"], closed["header"]["replaces"]) == ("final_with_gaps", second)


async def test_a_forgotten_ticket_is_not_handed_in_again_once_a_consent_has_ended(settings: Settings, household: bytes) -> None:
    port, now = free_port(), [utc_now()]
    request = orjson.loads(only_securities(household))
    ends = (utc_now() + timedelta(hours=8)).date().isoformat()
    for consent in request["consents"]:
        consent |= {"valid_until": ends, "valid_rule": "fixed_date"}
    async with depository(port, ready_after_seconds=SOON_SECONDS) as endpoints, open_services(settings, endpoints=endpoints) as services:
        client = await client_of(services)
        first = await complete(services, client, orjson.dumps(request))
    now[0] += timedelta(days=2)
    register_clock = lambda: now[0]  # noqa: E731 - the register's day is ours, or it would refuse the signature
    options = SandboxOptions(first_port=port)
    async with (
        serve_registers({"securities": installed_cases()["securities"]}, options, clock=register_clock) as endpoints,
        open_services(settings, endpoints=endpoints, clock=register_clock) as services,
    ):
        second = await next_version(services, client, first)
        body = payload((await services.report(client, second)).jws)
        ticket = await ticket_of(services, client, first)
    assert {cell["outcome"] for cell in body["coverage"] if cell["source"] == "securities"} == {"refused.no_consent"}
    assert (ticket.state, ticket.submissions) == (TicketState.EXPIRED, 1)


def payload(jws: bytes) -> Any:
    return orjson.loads(payload_of(jws))


@dataclass
class Counting:
    """The real adapter, counting how many looks are under way at once."""

    inner: DeferredAdapter
    source: Source
    under_way: int = 0
    most: int = 0

    async def submit(self, questions: Sequence[Question], client: SourceClient, *, dedupe_key: str) -> Ticket:
        return await self.inner.submit(questions, client, dedupe_key=dedupe_key)

    async def collect(self, ticket: Ticket, questions: Sequence[Question], client: SourceClient) -> Any:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            return await self.inner.collect(ticket, questions, client)
        finally:
            self.under_way -= 1

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        return self.inner.read(questions, exchanges)


async def test_many_due_tickets_are_looked_at_a_few_at_a_time(settings: Settings, household: bytes) -> None:
    async with (
        depository(free_port(), ready_after_seconds=SOON_SECONDS) as endpoints,
        open_services(settings, endpoints=endpoints) as services,
    ):
        channel = services.verifier.channels["securities"]
        assert isinstance(channel.adapter, DeferredAdapter)
        counting = Counting(channel.adapter, channel.source)
        services.verifier.channels["securities"] = Channel(counting, channel.runtime)  # type: ignore[index]
        client = await client_of(services)
        body = only_securities(household)
        first = await asyncio.gather(*(complete(services, client, body) for _ in range(40)))
        for one in first:
            await next_version(services, client, one)
    assert 1 < counting.most <= MOST_AT_ONCE


@dataclass
class Wire:
    """A relay in front of a register that keeps what was sent to it."""

    sent: bytearray = field(default_factory=bytearray, repr=False)
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def keys(self) -> list[bytes]:
        """Return the dedupe key of every submission, in order."""
        return SUBMITTED.findall(bytes(self.sent))

    async def relay(self, port: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Pass everything on in both directions until the caller has gone."""
        there, back = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._answers(there, writer))
                with suppress(ConnectionError):
                    while received := await reader.read(65536):
                        self.sent += received
                        back.write(received)
                back.close()
        finally:
            back.transport.abort()

    async def _answers(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while received := await there.read(65536):
            writer.write(received)
            if self.keys:
                self.answered.set()
        writer.close()


async def test_a_process_killed_between_submit_and_issue_submits_the_same_work_under_the_same_key(tmp_path: Path, household: bytes) -> None:
    """One register hangs, so that the process dies while the ticket is in its hands and in no row."""
    wire = Wire()
    with registers(tmp_path) as file:
        sources = json.loads(await asyncio.to_thread(file.read_text))
        port = int(sources["securities"]["base_url"].rpartition(":")[2])
        async with serving(hangs) as hanging, serving(partial(wire.relay, port)) as address:
            sources["securities"]["base_url"] = address
            sources["vehicle"]["base_url"] = hanging
            await asyncio.to_thread(file.write_text, json.dumps(sources))
            place = Installation(tmp_path, file)
            token = (await asyncio.to_thread(place.new_client))["access_token"]
            two = orjson.dumps({**orjson.loads(household), "sources": ["securities", "vehicle"]})
            await killed_while_asking(place, token, two, wire)
            report = await finished_by_another(place, token)
    assert len(wire.keys) == 2
    assert len(set(wire.keys)) == 1
    assert report["header"]["version"] == 2
    assert {cell["outcome"] for cell in report["coverage"] if cell["source"] == "securities"} <= {"answered.records", "answered.no_record"}


async def killed_while_asking(place: Installation, token: str, household: bytes, wire: Wire) -> None:
    process: Process = await asyncio.to_thread(place.serve)
    async with http_client(place, token) as http:
        posting = asyncio.create_task(http.post("/v1/verifications", content=household, headers={"x-deadline-ms": "30000"}))
        async with asyncio.timeout(30):
            await wire.answered.wait()
        await asyncio.to_thread(process.kill)
        with pytest.raises(httpx.TransportError):
            await posting


async def finished_by_another(place: Installation, token: str) -> Any:
    """Serve again with a worker, until the deferred register's answer has made version 2; return its report."""
    process, worker = await asyncio.to_thread(place.serve), place.worker()
    try:
        async with http_client(place, token) as http, asyncio.timeout(90):
            while True:
                versions = await issued(place)
                if len(versions) == 2:
                    return (await http.get(f"/v1/reports/{versions[-1]}", headers={"accept": "application/json"})).json()["report"]
                await asyncio.sleep(0.2)
    finally:
        process.kill()
        worker.kill()


async def issued(place: Installation) -> list[str]:
    """Return the ids of all report versions in the database, oldest first."""
    return await asyncio.to_thread(_issued, place.folder / "var" / "verify.db")


def _issued(database: Path) -> list[str]:
    with sqlite3.connect(database) as connection:
        found = [row[0] for row in connection.execute("SELECT id FROM reports ORDER BY version")]
    connection.close()
    return found


def http_client(place: Installation, token: str) -> httpx.AsyncClient:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
    return httpx.AsyncClient(base_url=place.base_url, headers=headers, timeout=40, trust_env=False)
