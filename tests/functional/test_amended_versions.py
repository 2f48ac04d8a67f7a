"""Every kind of version, made against real registers on real sockets, is recomputed byte for byte from what is kept."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.functional.conftest import Open, client_of
from tests.functional.test_more_banks_answer import alone
from tests.functional.test_recompute import complete, next_version
from verify_service.amending import acts
from verify_service.amending.cancelling import cancel, revoke
from verify_service.amending.objecting import object_to
from verify_service.api.amendment_examples import AMENDMENTS
from verify_service.bulk.recompute import recompute_report
from verify_service.bulk.worker import work_once
from verify_service.domain.amendment import (
    ActRequest,
    Correction,
    CorrectionRequest,
    ObjectionRequest,
    ResolutionRequest,
    RevocationRequest,
)
from verify_service.sandbox.serve import SandboxOptions
from verify_service.services import Finished, Services
from verify_service.settings import load_settings
from verify_service.storage.encryption import Place
from verify_service.storage.migrations import migrate
from verify_service.storage.records import Client
from verify_service.verification.answer import payload_of

NEVER = SandboxOptions(ready_after_seconds=3600)
SIX = ["vehicle", "property", "securities", "business_registration", "housing_fund", "pension"]


@pytest.fixture
def household(household: bytes) -> bytes:
    """Return the family, about whom one deferred register alone is asked: the others answer at once."""
    return orjson.dumps({**orjson.loads(household), "sources": SIX})


def asked(model: Any, name: str, **changes: Any) -> Any:
    return model.model_validate_json(orjson.dumps(AMENDMENTS[name] | changes))


def report_of(finished: Any) -> Any:
    return orjson.loads(finished.payload)


def outcomes(finished: Any, source: str) -> set[str]:
    return {c["outcome"] for c in report_of(finished)["coverage"] if c["source"] == source}


async def recomputed(services: Services, client: Client, report_id: str) -> int:
    """Recompute every version of a report; return how many there are."""
    versions = await services.versions(client, report_id)
    for version in versions:
        assert await recompute_report(services, tenant=client.tenant, report_id=version.id), f"version {version.version}"
    return len(versions)


async def test_every_kind_of_version_is_recomputed_identically(opened: Open, household: bytes, database_url: str, tmp_path: Path) -> None:
    await asyncio.to_thread(migrate, database_url)
    state = load_settings(state_dir=tmp_path / "var", database_url=database_url, poll_seconds=0.05)
    async with opened(state=state) as services:
        client = await client_of(services)
        first = await complete(services, client, household)
        finding = report_of(first)["findings"][0]["id"]
        made: Any = await acts.resolve(
            services, client, first.verification["report_id"], finding, asked(ResolutionRequest, "resolution"), key=None
        )
        made = await acts.close_gaps(services, client, made.verification["report_id"], asked(ActRequest, "gap_closure"), key=None)
        assert report_of(made)["header"]["state"] == "final_with_gaps"
        late = await next_version(services, client, made)
        made = await acts.correct(services, client, late, asked(CorrectionRequest, "correction"), key=None)
        made = await object_to(services, client, made.verification["report_id"], asked(ObjectionRequest, "objection"), key=None)
        made = await revoke(services, client, made.verification["id"], asked(RevocationRequest, "revocation"), key=None)
        made = await acts.withdraw(services, client, made.verification["report_id"], asked(ActRequest, "withdrawal"), key=None)
        assert [a["amendment"]["kind"] for a in report_of(made)["amendments"]] == [
            *("resolution", "gaps_closed", "correction", "objection", "consent_revoked", "withdrawal"),
        ]
        assert await recomputed(services, client, made.verification["report_id"]) == 8


async def test_amendment_that_was_changed_is_noticed_by_recomputing(opened: Open, household: bytes, tmp_path: Path) -> None:
    async with opened(options=NEVER) as services:
        client = await client_of(services)
        first = await complete(services, client, household)
        made = await acts.correct(services, client, first.verification["report_id"], asked(CorrectionRequest, "correction"), key=None)
        assert await recompute_report(services, tenant=client.tenant, report_id=made.verification["report_id"])
        forged = Correction(**dict(asked(CorrectionRequest, "correction", declared={"assets": {"vehicles": 7}})))
        place = Place("amendments", "sealed_amendment", first.verification["id"], "2")
        sealed = services.store._cipher.seal(place, forged.model_dump_json().encode())
        with sqlite3.connect(tmp_path / "var" / "verify.db") as connection:
            assert connection.execute("UPDATE amendments SET sealed_amendment = ?", (sealed,)).rowcount == 1
        connection.close()
        assert not await recompute_report(services, tenant=client.tenant, report_id=made.verification["report_id"])


async def test_deferred_register_that_is_asked_again_answers_in_a_version_of_its_own(opened: Open, household: bytes) -> None:
    async with opened() as services:
        client = await client_of(services)
        second = await next_version(services, client, await complete(services, client, household))
        cells = [{"member": "mother", "source": "securities", "grounds": "sold"}]
        made: Any = await object_to(services, client, second, asked(ObjectionRequest, "objection", cells=cells), key=None)
        assert report_of(made)["gaps"] == ["mother:securities"]
        assert report_of(made)["header"]["state"] == "partial"
        last = await next_version(services, client, made)
        assert await recomputed(services, client, last) == 4
        states = [v.state for v in await services.versions(client, last)]
        assert states == ["partial", "final", "partial", "final"]
        concluded = [report["header"]["concluded_on"] for report in [report_of(made), await body_of(services, client, last)]]
        assert concluded == [(await body_of(services, client, second))["header"]["concluded_on"]] * 2


@pytest.mark.parametrize("act", ["cancel", "withdraw"])
async def test_what_waits_is_waited_for_no_longer(opened: Open, household: bytes, act: str) -> None:
    async with opened(options=NEVER) as services:
        client = await client_of(services)
        first = await complete(services, client, household)
        assert outcomes(first, "securities") == {"pending.source_answers_later"}
        if act == "cancel":
            made: Any = await cancel(services, client, first.verification["id"], asked(ActRequest, "cancellation"), key=None)
        else:
            made = await acts.withdraw(services, client, first.verification["report_id"], asked(ActRequest, "withdrawal"), key=None)
        assert outcomes(made, "securities") == {"not_asked.cancelled"}
        assert made.verification["pending"] == []
        assert await nothing_left(services, first)
        assert await recomputed(services, client, made.verification["report_id"]) == 2


@pytest.mark.parametrize("act", ["cancel", "revoke", "withdraw"])
async def test_what_some_banks_told_stays_a_lower_bound_that_nobody_waits_for(opened: Open, household: bytes, act: str) -> None:
    async with opened(options=SandboxOptions(ready_after_seconds=1)) as services:
        client = await client_of(services)
        first = await complete(services, client, alone(household, "late_banks"))
        second = await next_version(services, client, first)
        if act == "cancel":
            made: Any = await cancel(services, client, first.verification["id"], asked(ActRequest, "cancellation"), key=None)
        elif act == "withdraw":
            made = await acts.withdraw(services, client, second, asked(ActRequest, "withdrawal"), key=None)
        else:
            numbers = [c["number"] for c in orjson.loads(household)["consents"]][:1]
            made = await revoke(
                services, client, first.verification["id"], asked(RevocationRequest, "revocation", consents=numbers), key=None
            )
        assert outcomes(made, "deposits") == {"partial_answer.institutions"}
        assert made.verification["pending"] == []
        assert await nothing_left(services, first)
        assert await recomputed(services, client, made.verification["report_id"]) == 3


async def test_revoked_consent_ends_the_waiting_for_that_person_only(opened: Open, household: bytes) -> None:
    async with opened() as services:
        client = await client_of(services)
        first = await complete(services, client, household)
        made = await revoke(services, client, first.verification["id"], asked(RevocationRequest, "revocation"), key=None)
        assert [p["member"] for p in made.verification["pending"]] == ["father", "mother", "child"]
        last = await next_version(services, client, made)
        cells = {c["member"]: c["outcome"] for c in (await body_of(services, client, last))["coverage"] if c["source"] == "securities"}
        assert cells.pop("grandmother") == "refused.no_consent"
        assert all(outcome.startswith("answered.") for outcome in cells.values())
        assert await recomputed(services, client, last) == 3


async def test_revoking_every_consent_closes_the_ticket(opened: Open, household: bytes) -> None:
    async with opened(options=NEVER) as services:
        client = await client_of(services)
        first = await complete(services, client, household)
        numbers = [c["number"] for c in orjson.loads(household)["consents"]]
        made = await revoke(services, client, first.verification["id"], asked(RevocationRequest, "revocation", consents=numbers), key=None)
        assert outcomes(made, "securities") == {"refused.no_consent"}
        assert await nothing_left(services, first)


async def nothing_left(services: Services, first: Finished) -> bool:
    tickets = await services.store.tickets(tenant="example", verification_id=first.verification["id"])
    return {t.state.value for t in tickets} == {"cancelled"} and await work_once(services) == 0


async def body_of(services: Services, client: Client, report_id: str) -> Any:
    return orjson.loads(payload_of((await services.report(client, report_id)).jws))
