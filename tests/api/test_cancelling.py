"""Stop asking: after the acknowledgement no question leaves, whatever the verification was doing."""

import asyncio
from datetime import timedelta

from tests.api.house import House, household
from verify_service.api.amendment_examples import AMENDMENTS
from verify_service.bulk.worker import work_once

CANCEL = AMENDMENTS["cancellation"]


async def running(house: House) -> str:
    """Accept a verification that hangs in its register; return its id."""
    house.register.gate.clear()
    accepted = await house.post(Prefer="respond-async", Idempotency_Key="k")
    await house.register.entered.wait()
    verification_id: str = accepted.json()["verification"]["id"]
    return verification_id


async def test_running_verification_ends_without_a_report(house: House) -> None:
    verification_id = await running(house)
    answer = await house.act(f"/v1/verifications/{verification_id}/cancel", CANCEL)
    assert answer.status_code == 200
    told = answer.json()["verification"]
    assert (told["id"], told["state"], told["report_id"]) == (verification_id, "cancelled", None)
    house.register.gate.set()
    assert not house.services.background
    assert (house.stored("reports"), house.stored("amendments")) == (0, 1)
    assert (await house.get(f"/v1/verifications/{verification_id}")).json()["verification"] == told


async def test_nobody_takes_a_cancelled_verification_up_again(house: House) -> None:
    verification_id = await running(house)
    await house.act(f"/v1/verifications/{verification_id}/cancel", CANCEL)
    house.register.gate.set()
    asked = house.register.asked
    house.clock.pass_by(days=1)
    assert await work_once(house.services) == 0
    assert (house.register.asked, house.stored("reports")) == (asked, 0)


async def test_cancelling_again_says_the_same_and_does_nothing(house: House) -> None:
    verification_id = await running(house)
    one = await house.act(f"/v1/verifications/{verification_id}/cancel", CANCEL)
    audited = house.stored("audit")
    two = await house.act(f"/v1/verifications/{verification_id}/cancel", CANCEL)
    assert (one.status_code, one.content) == (two.status_code, two.content)
    assert house.stored("audit") == audited


async def test_key_of_a_cancelled_request_says_so_and_asks_nothing(house: House) -> None:
    verification_id = await running(house)
    await house.act(f"/v1/verifications/{verification_id}/cancel", CANCEL)
    house.register.gate.set()
    asked = house.register.asked
    again = await house.post(Idempotency_Key="k")
    assert (again.status_code, again.json()["verification"]["state"]) == (202, "cancelled")
    assert house.register.asked == asked
    assert house.stored() == 1


async def test_who_waits_for_the_report_is_told_that_it_was_cancelled(house: House) -> None:
    house.register.gate.clear()
    waiting = asyncio.create_task(house.post())
    await house.register.entered.wait()
    (task,) = house.services.background
    await house.act(f"/v1/verifications/{task.get_name()}/cancel", CANCEL)
    answer = await waiting
    assert (answer.status_code, answer.json()["verification"]["state"]) == (202, "cancelled")


async def test_accepted_verification_whose_holder_is_gone_is_cancelled_once_its_lease_ended(house: House) -> None:
    body = household()
    client = await house.services.store.client("full")
    job = await house.services.accept(client, house.services.admit(client, body), body, idempotency_key=None)
    held = await house.act(f"/v1/verifications/{job.verification_id}/cancel", CANCEL)  # type: ignore[union-attr]
    assert (held.status_code, held.json()["code"]) == (409, "still-running")
    house.clock.pass_by(seconds=timedelta(minutes=2).total_seconds())
    answer = await house.act(f"/v1/verifications/{job.verification_id}/cancel", CANCEL)  # type: ignore[union-attr]
    assert (answer.status_code, answer.json()["verification"]["state"]) == (200, "cancelled")


async def test_finished_verification_has_nothing_to_cancel(house: House) -> None:
    verification_id = (await house.post()).json()["verification"]["id"]
    answer = await house.act(f"/v1/verifications/{verification_id}/cancel", CANCEL)
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (409, "nothing_waiting")
    assert house.stored("reports") == 1


async def test_officer_who_cancelled_is_kept_sealed(house: House) -> None:
    verification_id = await running(house)
    await house.act(f"/v1/verifications/{verification_id}/cancel", CANCEL)
    (made,) = await house.services.store.amendments(tenant="one", verification_id=verification_id)
    assert (made.version, made.amendment.kind, made.amendment.officer.name_or_id) == (0, "cancellation", "jb-0017")
    assert await house.services.store.amendments(tenant="two", verification_id=verification_id) == []
