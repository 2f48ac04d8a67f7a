"""A register in front of many institutions: lower bounds that wait, a new version as more answer, and what is left when they never do."""

from datetime import timedelta
from typing import Any

import orjson
import pytest

from tests.functional.conftest import Open, client_of
from tests.functional.test_recompute import complete, next_version
from verify_service.bootstrap import installed_cases, open_services, utc_now
from verify_service.bulk.recompute import recompute_report
from verify_service.bulk.worker import work_once
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.services import Services
from verify_service.settings import Settings
from verify_service.storage.records import Client, TicketState
from verify_service.verification.answer import payload_of


def alone(template: bytes, case: str) -> bytes:
    """Return a household of one, the invented person of a case, whose banks alone are asked."""
    person = installed_cases()["deposits"][case].person
    request = orjson.loads(template)
    consent = request["consents"][0]
    member = {"ref": "m1", "id_number": person.id_number.reveal(), "name": person.name, "role": "applicant", "relation": "01"}
    request["household"]["members"] = [member]
    request["consents"] = [{**consent, "member": "m1"}]
    return orjson.dumps({**request, "sources": ["deposits"]})


async def report(services: Services, client: Client, report_id: str) -> dict[str, Any]:
    assert await recompute_report(services, tenant=client.tenant, report_id=report_id)
    signed: dict[str, Any] = orjson.loads(payload_of((await services.report(client, report_id)).jws))
    return signed


def cell(signed: dict[str, Any]) -> tuple[str, Any, bool]:
    (found,) = (c for c in signed["coverage"] if c["source"] == "deposits")
    return found["outcome"], found["institutions"], found["next_look"] is not None


def deposits(signed: dict[str, Any]) -> dict[str, Any]:
    (found,) = (kind for kind in signed["property"]["further"] if kind["kind"] == "deposit")
    return dict(found["total"])


async def test_version_after_version_as_more_banks_answer(opened: Open, household: bytes) -> None:
    async with opened(options=SandboxOptions(ready_after_seconds=1)) as services:
        client = await client_of(services)
        first = await complete(services, client, alone(household, "late_banks"))
        second = await next_version(services, client, first)
        before = await report(services, client, second)
        view = await services.view(client, first.verification["id"])
        assert view.verification["state"] == before["header"]["state"] == "partial"
        assert cell(before) == ("partial_answer.institutions", {"answered": 29, "of": 31}, True)
        assert deposits(before) == {"lower_fen": 123_450, "upper_fen": None, "complete": False, "missing": ["m1:deposits"]}
        assert {f["code"] for f in before["findings"]} >= {"BNK-03"}
        after = await report(services, client, await next_version(services, client, first, known=second))
        assert (after["header"]["version"], after["header"]["state"], after["header"]["replaces"]) == (3, "final", second)
        assert cell(after) == ("answered.records", None, False)
        assert deposits(after) == {"lower_fen": 123_450, "upper_fen": 123_450, "complete": True, "missing": []}
        assert not {f["code"] for f in after["findings"]} & {"BNK-03", "DAT-01"}


async def test_banks_that_never_answer_leave_a_lower_bound_and_nothing_to_wait_for(opened: Open, household: bytes) -> None:
    async with opened(options=SandboxOptions(ready_after_seconds=0.3)) as services:
        client = await client_of(services)
        first = await complete(services, client, alone(household, "silent_banks"))
        last = await report(services, client, await next_version(services, client, first))
        assert cell(last) == ("partial_answer.institutions", {"answered": 27, "of": 31}, False)
        assert last["gaps"] == ["m1:deposits"]
        assert await work_once(services) == 0


async def test_at_the_latest_date_what_some_banks_told_stays_and_nothing_waits(settings: Settings, household: bytes) -> None:
    """The hub is out of reach from the first answers on until it is given up."""
    late = timedelta(0)
    clock = lambda: utc_now() + late  # noqa: E731 - the one clock of service and registers
    cases = {"deposits": installed_cases()["deposits"]}
    async with (
        serve_registers(cases, SandboxOptions(ready_after_seconds=1), clock=clock) as endpoints,
        open_services(settings, endpoints=endpoints, clock=clock) as services,
    ):
        client = await client_of(services)
        first = await complete(services, client, alone(household, "late_banks"))
        second = await next_version(services, client, first)
        services.verifier.channels.pop("deposits")  # type: ignore[attr-defined]
        late = timedelta(days=15)
        last = await report(services, client, await next_version(services, client, first, known=second))
        assert cell(last) == ("partial_answer.institutions", {"answered": 29, "of": 31}, False)
        assert deposits(last)["lower_fen"] == 123_450
        assert (await services.store.tickets(tenant="example", verification_id=first.verification["id"]))[0].state is TicketState.EXPIRED


@pytest.mark.parametrize(("case", "code"), [("flag_over_limit", "BNK-01"), ("large_outflow", "BNK-02")])
async def test_what_a_bank_tells_is_a_finding(opened: Open, household: bytes, case: str, code: str) -> None:
    async with opened(options=SandboxOptions(ready_after_seconds=0.3)) as services:
        client = await client_of(services)
        first = await complete(services, client, alone(household, case))
        final = await report(services, client, await next_version(services, client, first))
        assert final["header"]["state"] == "final"
        assert code in {f["code"] for f in final["findings"]}
        assert deposits(final)["complete"] is (code == "BNK-02")
