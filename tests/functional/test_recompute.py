"""A report can be computed again from the stored raw answers, byte for byte, in every version (M30)."""

import asyncio
from datetime import timedelta

import orjson
import pytest

from tests.functional.conftest import Open, client_of
from verify_service.bulk.recompute import recompute_report
from verify_service.bulk.worker import work_once
from verify_service.sandbox.faults import Profile
from verify_service.sandbox.population import household as people_of
from verify_service.sandbox.population import name_of
from verify_service.sandbox.serve import SandboxOptions
from verify_service.services import Finished, Services
from verify_service.storage.records import Client


async def complete(services: Services, client: Client, body: bytes) -> Finished:
    job = await services.accept(client, services.admit(client, body), body, idempotency_key=None)
    return await services.complete(job, deadline_seconds=5)  # type: ignore[arg-type]


async def next_version(services: Services, client: Client, finished: Finished, *, known: str | None = None) -> str:
    """Work until a deferred register has answered since the `known` version, else the first; return the new report's id."""
    async with asyncio.timeout(20):
        while True:
            await work_once(services)
            view = await services.view(client, finished.verification["id"])
            if view.current_report_id != (known or finished.verification["report_id"]):
                assert view.current_report_id is not None
                return view.current_report_id
            await asyncio.sleep(0.05)


async def test_every_version_of_the_family_is_recomputed_identically(opened: Open, household: bytes) -> None:
    """Two registers answer later, and together make one version."""
    async with opened() as services:
        client = await client_of(services)
        first = await complete(services, client, household)
        ids = [first.verification["report_id"]]
        ids.append(await next_version(services, client, first))
        for report_id in ids:
            assert await recompute_report(services, tenant=client.tenant, report_id=report_id)
        versions = await services.versions(client, ids[-1])
        assert [(v.version, v.state, v.replaces) for v in versions] == [(1, "partial", None), (2, "final", ids[0])]


def request_for(template: bytes, people: list[str]) -> bytes:
    """Return the family's request with other people in it: adults, one applicant."""
    request = orjson.loads(template)
    consent = request["consents"][0]
    members, consents = [], []
    for i, number in enumerate(people):
        role = {"role": "applicant", "relation": "01"} if i == 0 else {"role": "member", "relation": "99"}
        members.append({"ref": f"m{i}", "id_number": number, "name": name_of(number), **role})
        consents.append({**consent, "number": f"SQ-{i}", "member": f"m{i}"})
    request["household"]["members"] = members
    request["consents"] = consents
    return orjson.dumps(request)


@pytest.mark.parametrize("faults", ["realistic", "storm"])
async def test_whatever_went_wrong_the_report_is_recomputed_identically(opened: Open, household: bytes, faults: Profile) -> None:
    """Timeouts, 5xx, truncation, duplicates, stale data: every outcome is kept with what it was made from."""
    options = SandboxOptions(seed=7, faults=faults, ready_after_seconds=0.1)
    async with opened(options=options) as services:
        client = await client_of(services)
        today = services.clock() + timedelta(hours=8)
        finished = [
            await complete(services, client, request_for(household, people_of("990102", index, today.date()))) for index in range(12)
        ]
        for one in finished:
            assert await recompute_report(services, tenant=client.tenant, report_id=one.verification["report_id"])
    outcomes = {cell["outcome"] for one in finished for cell in orjson.loads(one.payload)["coverage"]}
    assert len(outcomes) > 3, outcomes
