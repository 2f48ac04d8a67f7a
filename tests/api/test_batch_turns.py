"""A batch is worked on in turns, days apart: what has ended meanwhile permits nothing (C10.7), and what was said before stands."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson
import pytest

from tests.api.house import House, household
from verify_service.api.amendment_examples import AMENDMENTS
from verify_service.bulk.batch_worker import Feeder
from verify_service.bulk.chunk import work_on
from verify_service.bulk.forms import MEDIA_TYPES
from verify_service.bulk.jobs import EngineOptions
from verify_service.domain.outcome import OutcomeCode
from verify_service.services import Services

ENDS_TODAY = {"valid_rule": "fixed_date", "valid_until": "2026-11-24"}


@dataclass
class AtOnce:
    """A job engine that does a job when it is started."""

    services: Services

    async def start(self, kind: str, job_id: str) -> None:
        del kind
        await work_on(self.services, job_id)

    async def resume(self, worker: str) -> int:
        del worker
        return 0

    async def forget(self, jobs: Sequence[tuple[str, str]]) -> None:
        """Nothing is kept."""


async def accepted(house: House, ending: list[int]) -> str:
    """Hand in a batch of one household, of whose consents some end today."""

    def change(body: dict[str, Any]) -> None:
        body["sources"] = ["vehicle"]
        for place in ending:
            body["consents"][place] |= ENDS_TODAY

    line = orjson.dumps(orjson.loads(household(change)))
    answer = await house.act("/v1/batches", line, Content_Type=MEDIA_TYPES["ndjson"])
    assert answer.status_code == 202, answer.text
    return str(answer.json()["batch_id"])


async def worked_on(house: House, batch_id: str) -> dict[str, Any]:
    """Give the batch's only chunk its turn, and return the result of its only row once the next turn has completed the batch."""
    feeder = Feeder(house.services, AtOnce(house.services), EngineOptions("", "worker", 1))
    for _ in range(2):
        await feeder.tick()
    answer = await house.get(f"/v1/batches/{batch_id}/results", accept=MEDIA_TYPES["ndjson"])
    result: dict[str, Any] = orjson.loads(answer.content)
    return result


@pytest.mark.parametrize(("days", "asked"), [(0, {"father", "mother", "child", "grandmother"}), (1, {"mother", "child", "grandmother"})])
async def test_who_is_asked_about_is_decided_when_the_question_is_sent(house: House, days: int, asked: set[str]) -> None:
    batch_id = await accepted(house, ending=[0])
    house.clock.pass_by(days=days)
    result = await worked_on(house, batch_id)
    assert house.register.asked == len(asked)
    report = (await house.get(f"/v1/reports/{result['report_id']}")).json()["report"]
    cells = {cell["member"]: cell["detail"] for cell in report["coverage"] if cell["source"] == "vehicle"}
    assert {member for member, detail in cells.items() if not detail} == asked
    assert {detail for detail in cells.values() if detail} <= {"consent: expired"}


async def test_a_household_whose_consents_have_all_ended_is_not_asked_about(house: House) -> None:
    batch_id = await accepted(house, ending=[0, 1, 2, 3])
    house.clock.pass_by(days=1)
    result = await worked_on(house, batch_id)
    assert (result["state"], house.register.asked) == ("rejected", 0)


async def header_of(house: House, report_id: str) -> dict[str, Any]:
    header: dict[str, Any] = (await house.get(f"/v1/reports/{report_id}")).json()["report"]["header"]
    return header


async def test_disputed_cells_that_are_asked_once_more_leave_the_report_as_timely_as_it_was(house: House) -> None:
    batch_id = await accepted(house, ending=[])
    house.register.says = OutcomeCode.SCHEMA
    first = await worked_on(house, batch_id)
    house.register.says = OutcomeCode.STALE
    cells = [{"member": m, "source": "vehicle", "grounds": "sold"} for m in ("father", "mother", "child", "grandmother")]
    objected = await house.act(f"/v1/reports/{first['report_id']}/objections", AMENDMENTS["objection"] | {"cells": cells})
    assert objected.status_code == 201, objected.text
    house.register.says = OutcomeCode.NO_RECORD
    house.clock.pass_by(days=10)
    assert (await house.act(f"/v1/batches/{batch_id}/retry-failed", b"")).status_code == 200
    last = await header_of(house, (await worked_on(house, batch_id))["report_id"])
    assert (last["version"], last["state"], last["concluded_on"]) == (3, "final", "2026-11-24")
