"""Verifications that run at the same time share calls over real sockets: each report is whole, its own, and recomputable."""

import asyncio
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import create_engine, text

from bench.households import bodies
from tests.functional.conftest import Open, client_of
from tests.functional.test_recompute import complete
from verify_service.bulk.recompute import recompute_report
from verify_service.sandbox.faults import Profile
from verify_service.sandbox.serve import SandboxOptions
from verify_service.services import Finished, Services
from verify_service.settings import Settings
from verify_service.storage.records import Client

TOGETHER = 6
DIGEST = re.compile("[0-9a-f]{64}")
SHARING = {"vehicle", "property", "business_registration", "housing_fund", "pension"}


def households() -> list[bytes]:
    source = bodies()
    return [next(source) for _ in range(TOGETHER)]


def told(finished: Finished) -> Any:
    """Return what a report says of the household, apart from numbers and times of this run."""
    report = orjson.loads(finished.payload)
    cells = [{name: cell[name] for name in ("member", "source", "outcome", "as_of")} for cell in report["coverage"]]
    return cells, report["income"], report["property"], report["findings"]


async def at_once(services: Services, client: Client, requests: Sequence[bytes]) -> list[Finished]:
    return list(await asyncio.gather(*(complete(services, client, body) for body in requests)))


def rows(settings: Settings, statement: str) -> list[Any]:
    engine = create_engine(settings.effective_database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        found = list(connection.execute(text(statement)))
    engine.dispose()
    return found


async def test_reports_made_together_say_what_reports_made_apart_say(opened: Open, settings: Settings) -> None:
    requests = households()
    async with opened() as services:
        client = await client_of(services)
        apart = [await complete(services, client, body) for body in requests]
        assert rows(settings, "SELECT * FROM shared_calls") == []
        together = await at_once(services, client, requests)
        assert [without_marks(told(one)) for one in together] == [without_marks(told(one)) for one in apart]
        kept = rows(settings, "SELECT source, id FROM shared_calls")
        assert {source for source, _ in kept} == SHARING
        assert len(kept) < TOGETHER * len(SHARING) / 2
        for one in (*apart, *together):
            assert await recompute_report(services, tenant=client.tenant, report_id=one.verification["report_id"])


def without_marks(whole: Any) -> Any:
    """Drop digests, ids and instants, which differ from run to run."""
    if isinstance(whole, dict):
        return {k: without_marks(v) for k, v in whole.items() if "digest" not in k and k != "id" and not k.endswith("_at")}
    if isinstance(whole, list | tuple):
        return [without_marks(part) for part in whole if not (isinstance(part, str) and DIGEST.fullmatch(part))]
    return whole


@pytest.mark.parametrize("faults", ["realistic", "storm"])
async def test_whatever_went_wrong_a_shared_call_is_recomputed_identically(opened: Open, settings: Settings, faults: Profile) -> None:
    """Among the faults are some that spoil one person, one call, one attempt, or nothing but time."""
    requests = households()
    async with opened(options=SandboxOptions(seed=7, faults=faults, ready_after_seconds=0.1)) as services:
        client = await client_of(services)
        finished = [one for _ in range(3) for one in await at_once(services, client, requests)]
        for one in finished:
            assert await recompute_report(services, tenant=client.tenant, report_id=one.verification["report_id"])
    assert rows(settings, "SELECT 1 FROM shared_calls")
    outcomes = {cell["outcome"] for one in finished for cell in orjson.loads(one.payload)["coverage"]}
    assert len(outcomes) > 3, outcomes


async def test_one_client_shares_nothing_with_another(opened: Open, settings: Settings) -> None:
    """Clients of one tenant, and of two, in the same instant; each report is recomputed from its own client's calls."""
    async with opened() as services:
        clients = [await client_of(services), await client_of(services), await client_of(services, tenant="other")]
        body = households()[0]
        finished = await asyncio.gather(*(complete(services, client, body) for client in clients for _ in range(2)))
        owners = rows(
            settings,
            "SELECT count(DISTINCT v.client_id) FROM shares s JOIN verifications v ON v.id = s.verification_id GROUP BY s.shared_call_id",
        )
        assert owners
        assert {count for (count,) in owners} == {1}
        for client, one in zip([c for c in clients for _ in range(2)], finished, strict=True):
            assert await recompute_report(services, tenant=client.tenant, report_id=one.verification["report_id"])


def content_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.glob("verify.db*"))


async def test_a_household_asked_about_under_two_consents_at_once_is_answered_twice(opened: Open, settings: Settings) -> None:
    """The same people stand twice in one call, and every adapter keeps them apart."""
    body = households()[0]
    other = orjson.loads(body)
    for consent in other["consents"]:
        consent["number"] += "-2"
    async with opened() as services:
        client = await client_of(services)
        apart = await complete(services, client, body)
        finished = await at_once(services, client, [body, orjson.dumps(other), body])
        assert [without_marks(told(one))[0] for one in finished] == [without_marks(told(apart))[0]] * 3
        for one in finished:
            assert await recompute_report(services, tenant=client.tenant, report_id=one.verification["report_id"])
    assert rows(settings, "SELECT 1 FROM shared_calls")


async def test_what_is_kept_of_a_shared_call_is_sealed(opened: Open, settings: Settings) -> None:
    requests = households()
    async with opened() as services:
        await at_once(services, await client_of(services), requests)
    people = [m for body in requests for m in orjson.loads(body)["household"]["members"]]
    stored = await asyncio.to_thread(content_of, settings.state_dir)
    assert rows(settings, "SELECT 1 FROM shared_calls")
    assert not [m["ref"] for m in people if m["id_number"].encode() in stored or m["name"].encode() in stored]
