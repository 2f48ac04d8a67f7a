"""What the store promises of batches, on both engines: turns, fences, accounting, and nothing seen before it is whole."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.contract.storage_examples import NOW, OTHER, TENANT, issue, new_id, ticket
from verify_service.errors import IdempotencyMismatch, NotFound, WrongState
from verify_service.storage.batch_records import (
    BatchState,
    ChunkIssue,
    ChunkKey,
    ChunkTask,
    ChunkWork,
    NewBatch,
    NewVerification,
    PutOff,
    Rejection,
    RowState,
    Staged,
    StagedRow,
    Upload,
    Wait,
)
from verify_service.storage.errors import LostLease
from verify_service.storage.records import Accepted, Response
from verify_service.storage.store import Store

RECEIPT = Response(202, {}, b"receipt")
LATER = NOW + timedelta(hours=1)


async def staged(store: Store, *, chunks: int = 1, rows: int = 2, tenant: str = TENANT, **changes: Any) -> NewBatch:
    """Stage a batch whose first row is a bad one."""
    batch = NewBatch(new_id(), tenant, f"client-{tenant}", "ndjson", NOW, **changes)
    await store.batches.open(batch)
    await store.batches.stage(batch, Staged(0, [], [Rejection(1, 1, "/purpose", "required"), Rejection(1, 1, "/region", "required")]))
    for chunk in range(1, chunks + 1):
        numbers = [2 + (chunk - 1) * rows + i for i in range(rows)]
        await store.batches.stage(batch, Staged(chunk, [StagedRow(n, n, f"r-{n}", new_id(), b'{"n":%d}' % n) for n in numbers], []))
    return batch


async def accepted(store: Store, **given: Any) -> NewBatch:
    batch = await staged(store, **given)
    await store.batches.accept(upload(batch, rows_in=1 + given.get("chunks", 1) * given.get("rows", 2)), RECEIPT)
    return batch


def upload(batch: NewBatch, **changes: Any) -> Upload:
    whole = Upload(batch.id, batch.tenant, batch.client_id, "utf-8", "d" * 64, 10, 3, None, "ndjson d", "/v1/batches", NOW)
    return replace(whole, **changes)


async def begun(store: Store) -> ChunkWork:
    (key,) = await store.batches.queue_due(now=NOW, most=1)
    work = await store.batches.begin(key)
    assert work is not None
    return work


def done(work: ChunkWork) -> ChunkIssue:
    """Return an issue of final reports for every row of the chunk."""
    issues = [
        replace(issue(Accepted(row.verification_id, work.fence)), tenant=work.tenant, response=None, exchanges=()) for row in work.rows
    ]
    requests = {row.verification_id: NewVerification(row.reference, None, row.request, "f", ["990101197905120019"]) for row in work.rows}
    return ChunkIssue(work, NOW, issues, {"vehicle": {"answered.no_record": len(issues)}}, requests)


async def test_upload_is_not_seen_before_it_is_accepted(store: Store) -> None:
    batch = await staged(store)
    with pytest.raises(NotFound):
        await store.batches.batch(tenant=TENANT, batch_id=batch.id)
    assert await store.batches.queue_due(now=NOW, most=9) == []
    await store.batches.accept(upload(batch), RECEIPT)
    row = await store.batches.batch(tenant=TENANT, batch_id=batch.id)
    assert (row.state, row.rows_in, row.rejected) == (BatchState.RUNNING, 3, 1)
    with pytest.raises(NotFound):
        await store.batches.batch(tenant=OTHER, batch_id=batch.id)


async def test_key_gives_the_receipt_again_and_refuses_another_file(store: Store) -> None:
    first, again, other = [await staged(store) for _ in range(3)]
    assert await store.batches.accept(upload(first, idempotency_key="k"), RECEIPT) is None
    replay = await store.batches.accept(upload(again, idempotency_key="k"), Response(202, {}, b"another receipt"))
    assert replay is not None
    assert replay.body == RECEIPT.body
    with pytest.raises(IdempotencyMismatch):
        await store.batches.accept(upload(other, idempotency_key="k", fingerprint="ndjson e"), RECEIPT)
    for unwanted in (again, other):
        await store.batches.discard(unwanted.id)
        assert await store.batches.rejections(tenant=TENANT, batch_id=unwanted.id) == []


async def test_discard_takes_no_accepted_batch_away(store: Store) -> None:
    batch = await staged(store)
    assert await store.batches.abandoned(before=LATER) == [batch.id]
    await store.batches.accept(upload(batch), RECEIPT)
    assert await store.batches.abandoned(before=LATER) == []


async def test_every_row_of_a_repeated_reference_is_rejected(store: Store) -> None:
    batch = await staged(store)
    twice = [StagedRow(n, n, "twice", new_id(), b"{}") for n in (4, 5)]
    await store.batches.stage(batch, Staged(2, twice, []))
    await store.batches.accept(upload(batch, rows_in=5), RECEIPT)
    told = [(r.no, r.rule) for r in await store.batches.rejections(tenant=TENANT, batch_id=batch.id, after=1)]
    assert told == [(4, "repeated_reference"), (5, "repeated_reference")]
    assert (await store.batches.batch(tenant=TENANT, batch_id=batch.id)).rejected == 3
    keys = await store.batches.queue_due(now=NOW, most=9)
    work = [await store.batches.begin(key) for key in keys]
    assert sorted(len(each.rows) for each in work if each is not None) == [0, 2]


async def test_tenants_take_turns(store: Store) -> None:
    large = await accepted(store, chunks=6)
    small = await accepted(store, chunks=2, tenant=OTHER)
    keys = await store.batches.queue_due(now=NOW, most=4)
    assert sorted(key.batch_id for key in keys) == sorted([large.id] * 2 + [small.id] * 2)
    assert await store.batches.queue_due(now=NOW, most=4) == []
    assert len(await store.batches.still_queued()) == 4


async def test_chunk_is_written_once_and_completes_the_batch(store: Store) -> None:
    batch = await accepted(store)
    work = await begun(store)
    assert [row.request for row in work.rows] == [b'{"n":2}', b'{"n":3}']
    await store.batches.issue(done(work))
    with pytest.raises(LostLease):
        await store.batches.issue(done(work))
    assert (await store.batches.look(now=NOW)).finished == [(TENANT, batch.id)]
    counts = await store.batches.count_rows(batch_id=batch.id)
    assert counts == {"final": 2, "partial": 0, "rejected": 1, "cancelled": 0}
    assert not await store.batches.complete(batch_id=batch.id, manifest="m", counts={**counts, "final": 3}, now=NOW)
    assert await store.batches.complete(batch_id=batch.id, manifest="m", counts=counts, now=NOW)
    row = await store.batches.batch(tenant=TENANT, batch_id=batch.id)
    assert (row.state, row.manifest, row.final) == (BatchState.COMPLETED, "m", 2)
    results = await store.batches.results(tenant=TENANT, batch_id=batch.id)
    assert [(r.no, r.state, r.jws) for r in results] == [
        (1, RowState.REJECTED, None),
        (2, RowState.FINAL, b"header.payload.signature"),
        (3, RowState.FINAL, b"header.payload.signature"),
    ]
    assert [r.no for r in await store.batches.results(tenant=TENANT, batch_id=batch.id, after=2)] == [3]


async def test_who_lost_the_chunk_cannot_write(store: Store) -> None:
    await accepted(store)
    first = await begun(store)
    second = await store.batches.begin(first.key)
    assert second is not None
    assert second.fence > first.fence
    assert not await store.batches.is_wanted(first)
    with pytest.raises(LostLease):
        await store.batches.issue(done(first))
    assert await store.verifications_of(tenant=TENANT, id_number="990101197905120019") == []
    await store.batches.issue(done(second))


async def test_cancelling_accounts_for_every_row_and_keeps_what_is_finished(store: Store) -> None:
    batch = await accepted(store, chunks=3)
    await store.batches.issue(done(await begun(store)))
    running = await begun(store)
    await store.batches.move(tenant=TENANT, batch_id=batch.id, act="cancel", actor="c", now=NOW)
    with pytest.raises(LostLease):
        await store.batches.issue(done(running))
    row = await store.batches.batch(tenant=TENANT, batch_id=batch.id)
    assert (row.state, row.final, row.rejected, row.cancelled) == (BatchState.CANCELLED, 2, 1, 4)
    assert row.rows_in == row.final + row.partial + row.rejected + row.cancelled
    await store.batches.move(tenant=TENANT, batch_id=batch.id, act="cancel", actor="c", now=NOW)
    with pytest.raises(WrongState):
        await store.batches.move(tenant=TENANT, batch_id=batch.id, act="resume", actor="c", now=NOW)
    with pytest.raises(NotFound):
        await store.batches.move(tenant=OTHER, batch_id=batch.id, act="cancel", actor="c", now=NOW)


async def test_paused_batch_begins_nothing(store: Store) -> None:
    batch = await accepted(store, chunks=2)
    (queued,) = await store.batches.queue_due(now=NOW, most=1)
    await store.batches.move(tenant=TENANT, batch_id=batch.id, act="pause", actor="c", now=NOW)
    assert await store.batches.begin(queued) is None
    assert await store.batches.queue_due(now=NOW, most=9) == []
    await store.batches.move(tenant=TENANT, batch_id=batch.id, act="resume", actor="c", now=NOW)
    keys = await store.batches.queue_due(now=NOW, most=9)
    assert sorted((key.no, key.attempt) for key in keys) == [(1, 2), (2, 1)]
    assert await store.batches.begin(queued) is None


async def test_nothing_begins_after_the_deadline(store: Store) -> None:
    batch = await accepted(store, chunks=2, deadline_at=NOW)
    work = await begun(store)
    assert await store.batches.end_overdue(now=NOW) == 1
    await store.batches.issue(done(work))
    assert await store.batches.count_rows(batch_id=batch.id) == {"final": 2, "partial": 0, "rejected": 1, "cancelled": 2}
    assert (await store.batches.look(now=NOW)).finished == [(TENANT, batch.id)]


async def test_chunk_that_failed_is_due_again_later(store: Store) -> None:
    await accepted(store)
    work = await begun(store)
    await store.batches.put_back(work.key, due_at=LATER, fence=work.fence)
    assert not (await store.batches.look(now=NOW)).is_due
    assert await store.batches.queue_due(now=NOW, most=9) == []
    assert (await store.batches.look(now=LATER)).is_due
    assert await store.batches.queue_due(now=LATER, most=9) == [ChunkKey(work.key.batch_id, 1, 2)]


async def test_silent_workers(store: Store) -> None:
    await store.batches.beat("a", now=NOW)
    await store.batches.beat("b", now=NOW)
    await store.batches.beat("a", now=LATER)
    assert await store.batches.silent(before=LATER) == ["b"]
    await store.batches.forget("b")
    assert (await store.batches.look(now=NOW)).workers == 1


async def test_chunk_that_waits_keeps_its_rows_and_tickets(store: Store) -> None:
    batch = await accepted(store)
    work = await begun(store)
    waits = Wait(ChunkTask.VERIFY, LATER, "securities answers later")
    await store.batches.put_off(PutOff(work, waits, NOW, tickets=[ticket()]))
    with pytest.raises(LostLease):
        await store.batches.issue(done(work))
    assert await store.batches.queue_due(now=NOW, most=9) == []
    (chunk,) = await store.batches.chunk_counts(tenant=TENANT, batch_id=batch.id)
    assert (chunk.due_at, chunk.waits_for) == (LATER, waits.reason)
    (key,) = await store.batches.queue_due(now=LATER, most=9)
    again = await store.batches.begin(key)
    assert again is not None
    assert (again.begun_at, again.rows) == (NOW, work.rows)
    assert [kept.ticket for kept in await store.batches.waiting(again)] == [ticket().ticket]
    await store.batches.issue(replace(done(again), wait=Wait(ChunkTask.GO_ON, LATER, "the quota of property")))
    assert (await store.batches.look(now=NOW)).finished == []
    (key,) = await store.batches.queue_due(now=LATER, most=9)
    further = await store.batches.begin(key)
    assert further is not None
    assert further.task is ChunkTask.GO_ON


async def test_chunk_that_waits_is_cancelled_whole(store: Store) -> None:
    batch = await accepted(store)
    await store.batches.put_off(
        PutOff(await begun(store), Wait(ChunkTask.VERIFY, LATER, "securities answers later"), NOW, tickets=[ticket()])
    )
    await store.batches.move(tenant=TENANT, batch_id=batch.id, act="cancel", actor="c", now=NOW)
    row = await store.batches.batch(tenant=TENANT, batch_id=batch.id)
    assert (row.final, row.partial, row.rejected, row.cancelled) == (0, 0, 1, 2)


async def test_what_was_told_of_a_person_is_found_for_the_same_client_and_day(store: Store) -> None:
    await accepted(store, chunks=2)
    await accepted(store, tenant=OTHER)
    keys = await store.batches.queue_due(now=NOW, most=9)
    begun_all = [await store.batches.begin(key) for key in keys]
    first, second, of_other = sorted((w for w in begun_all if w is not None), key=lambda w: (w.tenant != TENANT, w.key.no))
    numbers = ["990101197905120019", "990101198001010011"]
    assert await store.batches.told(second, numbers, since=NOW) == []
    await store.batches.issue(done(first))
    told = await store.batches.told(second, numbers, since=NOW)
    assert {a.question.id for a in told} == {"q1", "q2"}
    assert await store.batches.told(second, numbers[1:], since=NOW) == []
    assert await store.batches.told(second, numbers, since=LATER) == []
    assert await store.batches.told(of_other, numbers, since=NOW) == []
    assert await store.batches.told(replace(second, client_id="another"), numbers, since=NOW) == []


PEOPLE = [("990101197905120019", "01"), ("990101198103110016", "01")]


async def both_begun(store: Store, **second: Any) -> tuple[ChunkWork, ChunkWork]:
    await accepted(store)
    await accepted(store, **second)
    works = [await store.batches.begin(key) for key in await store.batches.queue_due(now=NOW, most=2)]
    one, other = (work for work in works if work is not None)
    return one, other


async def test_a_chunk_in_work_has_its_people_for_itself(store: Store) -> None:
    one, other = await both_begun(store)
    assert await store.batches.claim(one, PEOPLE)
    assert await store.batches.claim(one, PEOPLE)  # taken over from a process that is gone
    assert not await store.batches.claim(other, [PEOPLE[1], ("990101199001010013", "01")])
    assert await store.batches.claim(one, [*PEOPLE, ("990101199001010013", "01")])  # who is refused has claimed nobody
    assert await store.batches.claim(other, [(number, "02") for number, _ in PEOPLE])


async def test_another_tenant_claims_whom_it_wants(store: Store) -> None:
    one, other = await both_begun(store, tenant=OTHER)
    assert one.tenant != other.tenant
    assert await store.batches.claim(one, PEOPLE)
    assert await store.batches.claim(other, PEOPLE)


@pytest.mark.parametrize("end", ["issued", "cancelled", "put back", "put off before it asked"])
async def test_claims_end_with_the_work(store: Store, end: str) -> None:
    one, other = await both_begun(store)
    assert await store.batches.claim(one, PEOPLE)
    if end == "issued":
        await store.batches.issue(done(one))
    elif end == "cancelled":
        await store.batches.move(tenant=TENANT, batch_id=one.key.batch_id, act="cancel", actor="me", now=NOW)
    elif end == "put back":
        await store.batches.put_back(one.key, due_at=LATER)
    else:
        await store.batches.put_off(PutOff(one, Wait(ChunkTask.VERIFY, LATER, "the hours of pension")))
    assert await store.batches.claim(other, PEOPLE)


async def test_claims_stay_while_a_chunk_waits_for_tickets_unless_its_batch_is_paused(store: Store) -> None:
    one, other = await both_begun(store)
    assert await store.batches.claim(one, PEOPLE)
    await store.batches.put_off(PutOff(one, Wait(ChunkTask.VERIFY, LATER, "securities answers later"), begun_at=NOW))
    assert not await store.batches.claim(other, PEOPLE)
    await store.batches.move(tenant=TENANT, batch_id=one.key.batch_id, act="pause", actor="me", now=NOW)
    assert await store.batches.claim(other, PEOPLE)
