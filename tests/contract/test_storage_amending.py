"""Amendments on both engines: kept with the version they make or not at all, sealed in their place, under a key of their own."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.contract.storage_examples import AFTER_LEASE, LEASE, NOW, OTHER, TENANT, accept, accepted, answer, issue, next_version
from verify_service.domain.amendment import Cancellation, GapClosure, Made, Officer, Withdrawal
from verify_service.domain.outcome import OutcomeCode
from verify_service.errors import IdempotencyMismatch
from verify_service.storage.errors import LostLease
from verify_service.storage.records import Accepted, Issue, Key, Replay, Response, VerificationState
from verify_service.storage.store import Store

OFFICER = Officer(name_or_id="OFFICER-NAME", office="示例一市甲区民政局")
CLOSURE = GapClosure(officer=OFFICER, reason="the register is closed", gaps=("q1:securities",))
WITHDRAWAL = Withdrawal(officer=OFFICER, reason="the wrong household")
KEY = Key("POST", "/v1/reports/{report_id}/withdraw", "k", "fingerprint")


async def first(store: Store) -> tuple[Accepted, Issue]:
    held = await accepted(store)
    written = issue(held)
    await store.issue(written)
    return held, written


async def held_again(store: Store, held: Accepted) -> Accepted:
    row = await store.claim(tenant=TENANT, verification_id=held.verification_id, now=NOW, lease_until=LEASE)
    return Accepted(row.id, row.fence)


def second(before: Issue, held: Accepted, **changes: Any) -> Issue:
    made = Made(before.report.version + 1, NOW, CLOSURE)
    return next_version(before, held, made=made, response=Response(201, {}, b'{"report_id":"2"}'), **changes)


async def test_amendment_is_kept_with_its_version_and_told_oldest_first(store: Store) -> None:
    held, one = await first(store)
    two = second(one, await held_again(store, held))
    await store.issue(two)
    three = next_version(two, await held_again(store, held), made=Made(3, NOW + timedelta(days=1), WITHDRAWAL))
    await store.issue(three)
    where = {"tenant": TENANT, "verification_id": held.verification_id}
    assert await store.amendments(**where) == [two.made, three.made]
    assert await store.amendments(tenant=OTHER, verification_id=held.verification_id) == []
    last = (await store.audit_log(tenant=TENANT))[-1]
    assert last.detail["amendment"] == "withdrawal"
    assert "OFFICER-NAME" not in str(last)
    assert last.detail["officer"] == (await store.audit_log(tenant=TENANT))[-2].detail["officer"]  # the same officer, blind


async def test_refused_issue_keeps_no_amendment_and_no_answer_to_its_key(store: Store) -> None:
    held, one = await first(store)
    late = second(one, held, key=KEY)  # under the fence of version 1, which a claim has raised meanwhile
    await held_again(store, held)
    with pytest.raises(LostLease):
        await store.issue(late)
    assert await store.amendments(tenant=TENANT, verification_id=held.verification_id) == []
    assert await store.replay(tenant=TENANT, key=KEY) is None


async def test_key_of_an_act_gives_its_answer_again_to_its_tenant_alone(store: Store) -> None:
    held, one = await first(store)
    await store.issue(second(one, await held_again(store, held), key=KEY))
    assert await store.replay(tenant=TENANT, key=KEY) == Replay(201, {}, b'{"report_id":"2"}')
    assert await store.replay(tenant=OTHER, key=KEY) is None
    for other in (Key(KEY.method, KEY.route, "another", KEY.fingerprint), Key(KEY.method, "/v1/other", KEY.key, KEY.fingerprint)):
        assert await store.replay(tenant=TENANT, key=other) is None
    with pytest.raises(IdempotencyMismatch):
        await store.replay(tenant=TENANT, key=Key(KEY.method, KEY.route, KEY.key, "another request"))


async def test_key_that_was_used_meanwhile_undoes_the_whole_issue(store: Store) -> None:
    (held, one), (other, other_one) = await first(store), await first(store)
    await store.issue(second(one, await held_again(store, held), key=KEY))
    with pytest.raises(IdempotencyMismatch):
        await store.issue(second(other_one, await held_again(store, other), key=KEY))
    assert [v.version for v in await store.versions(tenant=TENANT, report_id=other_one.report.id)] == [1]
    assert await store.amendments(tenant=TENANT, verification_id=other.verification_id) == []


async def test_newest_answer_of_a_cell_counts_though_its_question_is_another(store: Store) -> None:
    held, one = await first(store)
    again = answer("q1", code=OutcomeCode.NO_RECORD)
    asked_again = replace(again, question=replace(again.question, id="q1-again"))
    await store.issue(second(one, await held_again(store, held), answers=(asked_again,)))
    where: dict[str, Any] = {"tenant": TENANT, "verification_id": held.verification_id}
    assert {a.question.id for a in await store.answers(**where)} == {"q1-again", "q2"}
    assert {a.question.id for a in await store.answers(**where, up_to=1)} == {"q1", "q2"}


CANCELLED = Made(0, NOW, Cancellation(officer=OFFICER, reason="taken back", cells=()))


async def test_cancelled_verification_is_over_for_whoever_held_it(store: Store) -> None:
    held = await accepted(store, idempotency_key="k")
    where: dict[str, Any] = {"tenant": TENANT, "verification_id": held.verification_id}
    assert await store.cancel(await store.verification(**where), made=CANCELLED, actor="me")
    with pytest.raises(LostLease):
        await store.issue(issue(held))
    row = await store.verification(**where)
    assert (row.state, row.current_report_id, row.lease_until) == (VerificationState.CANCELLED, None, None)
    assert await store.amendments(**where) == [CANCELLED]
    assert await store.unfinished(now=AFTER_LEASE, lease_until=AFTER_LEASE + timedelta(seconds=30), limit=10) == []
    replay = await accept(store, idempotency_key="k")
    assert isinstance(replay, Replay)
    assert (replay.status, b'"state":"cancelled"' in replay.body) == (202, True)


async def test_cancelling_what_has_a_report_or_another_holder_does_nothing(store: Store) -> None:
    held, _ = await first(store)
    where: dict[str, Any] = {"tenant": TENANT, "verification_id": held.verification_id}
    assert not await store.cancel(await store.verification(**where), made=CANCELLED, actor="me")
    running = await accepted(store)
    seen = await store.verification(tenant=TENANT, verification_id=running.verification_id)
    await store.unfinished(now=AFTER_LEASE, lease_until=AFTER_LEASE + timedelta(seconds=30), limit=10)
    audited = len(await store.audit_log(tenant=TENANT))
    assert not await store.cancel(seen, made=CANCELLED, actor="me")
    assert len(await store.audit_log(tenant=TENANT)) == audited
