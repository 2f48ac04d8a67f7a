"""While the worker looks at a deferred register an officer may act; what the register tells is merged with what she did."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.functional.conftest import client_of
from tests.functional.test_recompute import complete
from verify_service.amending.acts import close_gaps, withdraw
from verify_service.bootstrap import installed_cases, open_services, utc_now
from verify_service.bulk.recompute import recompute_report
from verify_service.bulk.worker import work_once
from verify_service.domain.amendment import ActRequest
from verify_service.domain.outcome import Answer, Question
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.services import Finished, Services
from verify_service.settings import Settings
from verify_service.sources.adapter import DeferredAdapter, Exchange, SourceClient, Ticket
from verify_service.sources.definition import Source
from verify_service.storage.records import Client
from verify_service.verification.fanout import Channel

ACT = ActRequest.model_validate({"officer": {"name_or_id": "孙复核", "office": "示例一市甲区民政局"}, "reason": "登记机关未反馈"})


@dataclass
class Gated:
    """The real adapter, whose looks last until the gate is opened."""

    inner: DeferredAdapter
    source: Source
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def submit(self, questions: Sequence[Question], client: SourceClient, *, dedupe_key: str) -> Ticket:
        return await self.inner.submit(questions, client, dedupe_key=dedupe_key)

    async def collect(self, ticket: Ticket, questions: Sequence[Question], client: SourceClient) -> Any:
        self.entered.set()
        await self.gate.wait()
        return await self.inner.collect(ticket, questions, client)

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        return self.inner.read(questions, exchanges)


@dataclass
class Looking:
    """A service whose worker is in the middle of a look at the depository."""

    services: Services
    client: Client
    first: Finished
    gated: Gated
    working: asyncio.Task[int]

    async def versions_after(self) -> list[tuple[int, str]]:
        """Let the look end, and return every version with its state; each can be recomputed."""
        self.gated.gate.set()
        assert await self.working == 1
        versions = await self.services.versions(self.client, self.first.verification["report_id"])
        assert all([await recompute_report(self.services, tenant=self.client.tenant, report_id=v.id) for v in versions])
        return [(v.version, v.state) for v in versions]


@pytest.fixture
async def looking(settings: Settings, household: bytes) -> AsyncIterator[Looking]:
    now = [utc_now()]
    async with _service(settings, now) as (services, gated):
        client = await client_of(services)
        first = await complete(services, client, orjson.dumps({**orjson.loads(household), "sources": ["securities"]}))
        now[0] += timedelta(seconds=2)
        working = asyncio.create_task(work_once(services))
        await gated.entered.wait()
        yield Looking(services, client, first, gated, working)


@asynccontextmanager
async def _service(settings: Settings, now: list[Any]) -> AsyncIterator[tuple[Services, Gated]]:
    clock = lambda: now[0]  # noqa: E731 - one clock of service and register, told by the test
    cases, options = {"securities": installed_cases()["securities"]}, SandboxOptions(ready_after_seconds=1)
    async with (
        serve_registers(cases, options, clock=clock) as endpoints,
        open_services(settings, endpoints=endpoints, clock=clock) as services,
    ):
        channel = services.verifier.channels["securities"]
        assert channel.deferred is not None
        gated = Gated(channel.deferred, channel.source)
        services.verifier.channels["securities"] = Channel(gated, channel.runtime)  # type: ignore[index]
        yield services, gated


async def test_an_officer_closes_gaps_during_a_look_and_its_answer_comes_after(looking: Looking) -> None:
    await close_gaps(looking.services, looking.client, looking.first.verification["report_id"], ACT, key=None)
    assert await looking.versions_after() == [(1, "partial"), (2, "final_with_gaps"), (3, "final")]


async def test_a_report_withdrawn_during_a_look_stays_as_it_is(looking: Looking) -> None:
    await withdraw(looking.services, looking.client, looking.first.verification["report_id"], ACT, key=None)
    assert await looking.versions_after() == [(1, "partial"), (2, "withdrawn")]
    assert await work_once(looking.services) == 0


async def test_what_was_told_while_another_holds_the_verification_is_looked_at_again(looking: Looking) -> None:
    where = {"tenant": looking.client.tenant, "verification_id": looking.first.verification["id"]}
    now = looking.services.clock()
    held = await looking.services.store.claim(**where, now=now, lease_until=now + timedelta(seconds=60))
    assert await looking.versions_after() == [(1, "partial")]
    await looking.services.store.renew(**where, fence=held.fence, lease_until=None)
    assert await work_once(looking.services) == 1
    assert [v.state for v in await looking.services.versions(looking.client, looking.first.verification["report_id"])] == [
        "partial",
        "final",
    ]
