"""The store's promises, each on SQLite and on PostgreSQL: accepted once, issued once, read under audit, seen by one tenant."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from tests.contract.storage_examples import (
    AFTER_LEASE,
    BODY,
    LEASE,
    NOW,
    NUMBER,
    OTHER,
    ROUTE,
    TENANT,
    accept,
    accepted,
    answer,
    client,
    exchange,
    issue,
    new_id,
    next_version,
    share,
    shared_call,
    ticket,
)
from verify_service.domain.outcome import OutcomeCode
from verify_service.errors import ConfigurationError, IdempotencyMismatch, NotFound, StillRunning
from verify_service.storage.encryption import new_cipher
from verify_service.storage.errors import LostLease
from verify_service.storage.migrations import migrate
from verify_service.storage.records import Accepted, Issue, Replay, Response, TicketState, VerificationState
from verify_service.storage.store import Store, open_store

# ---------------------------------------------------------------- accepting and idempotency


async def test_accepted_request_comes_back_whole(store: Store) -> None:
    held = await accepted(store, verification_id="v-1")
    row = await store.verification(tenant=TENANT, verification_id="v-1")
    assert held == Accepted("v-1", 1)
    assert (row.request, row.state, row.fence, row.client_reference) == (BODY, VerificationState.ACCEPTED, 1, "case-17")
    assert (row.created_at, row.updated_at, row.lease_until) == (NOW, NOW, LEASE)


async def test_same_key_replays_the_same_bytes(store: Store) -> None:
    held = await accepted(store, idempotency_key="k")
    response = Response(200, {"etag": '"1"', "x-name": "示例"}, bytes(range(256)))
    await store.issue(issue(held, response=response))
    assert await accept(store, idempotency_key="k") == Replay(response.status, response.headers, response.body)


async def test_same_key_with_another_body_is_a_mismatch(store: Store) -> None:
    held = await accepted(store, idempotency_key="k")
    with pytest.raises(IdempotencyMismatch):
        await accept(store, idempotency_key="k", request=b"{}")
    await store.issue(issue(held))
    with pytest.raises(IdempotencyMismatch):
        await accept(store, idempotency_key="k", request=b"{}")


async def test_same_key_while_running_names_the_first_verification(store: Store) -> None:
    held = await accepted(store, idempotency_key="k")
    refused = new_id()
    with pytest.raises(StillRunning) as caught:
        await accept(store, idempotency_key="k", verification_id=refused)
    assert caught.value.verification_id == held.verification_id
    with pytest.raises(NotFound):
        await store.verification(tenant=TENANT, verification_id=refused)


@pytest.mark.parametrize("other", [{"tenant": OTHER}, {"route": "/v1/batches"}, {"method": "PUT"}, {"idempotency_key": "K"}])
async def test_key_is_scoped_to_tenant_method_route(store: Store, other: dict[str, Any]) -> None:
    await accepted(store, idempotency_key="k")
    assert isinstance(await accept(store, **{"idempotency_key": "k", **other}), Accepted)


async def test_response_known_at_once_is_replayed_at_once_and_never_changes(store: Store) -> None:
    first = Response(202, {"location": ROUTE}, b"first")
    held = await accepted(store, idempotency_key="k", response=first)
    await store.respond(tenant=TENANT, verification_id=held.verification_id, response=Response(200, {}, b"second"))
    await store.issue(issue(held))
    assert await accept(store, idempotency_key="k") == Replay(202, first.headers, b"first")


async def test_thirty_two_at_once_with_one_key_make_one_verification(store: Store) -> None:
    outcomes = await asyncio.gather(*(accept(store, idempotency_key="k") for _ in range(32)), return_exceptions=True)
    made = [o for o in outcomes if isinstance(o, Accepted)]
    refused = [o.verification_id for o in outcomes if isinstance(o, StillRunning)]
    assert len(made) == 1
    assert refused == [made[0].verification_id] * 31
    rows = await store.unfinished(now=AFTER_LEASE, lease_until=AFTER_LEASE, limit=100)
    assert [row.id for row in rows] == [made[0].verification_id]


async def test_failing_frees_the_key(store: Store) -> None:
    held = await accepted(store, idempotency_key="k")
    await store.fail(tenant=TENANT, verification_id=held.verification_id, fence=1, reason="policy_missing", now=NOW)
    row = await store.verification(tenant=TENANT, verification_id=held.verification_id)
    assert (row.state, row.failure, row.lease_until) == (VerificationState.FAILED, "policy_missing", None)
    assert isinstance(await accept(store, idempotency_key="k"), Accepted)


async def test_one_refused_operation_leaves_its_neighbours_in_the_same_commit_alone(store: Store) -> None:
    """On SQLite the twenty share transactions; each must succeed or fail alone."""
    taken = await accepted(store)
    ids = [taken.verification_id if n % 2 else new_id() for n in range(20)]
    outcomes = await asyncio.gather(*(accept(store, verification_id=i) for i in ids), return_exceptions=True)
    assert [isinstance(o, Accepted) for o in outcomes] == [n % 2 == 0 for n in range(20)]
    for i in ids:
        assert (await store.verification(tenant=TENANT, verification_id=i)).id == i


async def test_unknown_client_cannot_own_a_verification(store: Store) -> None:
    refused = new_id()
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        await accept(store, client_id="nobody", verification_id=refused)
    with pytest.raises(NotFound):
        await store.verification(tenant=TENANT, verification_id=refused)


async def test_person_is_found_by_number_without_the_number_being_stored(store: Store) -> None:
    first = await accepted(store, subjects=[NUMBER, NUMBER])
    await accepted(store)
    assert await store.verifications_of(tenant=TENANT, id_number=NUMBER) == [first.verification_id]
    assert await store.verifications_of(tenant=OTHER, id_number=NUMBER) == []


# ---------------------------------------------------------------- issuing


async def test_issue_keeps_everything_it_brings(store: Store) -> None:
    held = await accepted(store)
    kept = [exchange(call_no=2), exchange(call_no=1, ordinal=1, body=b""), exchange(call_no=1, body=b"\n\x00\xff")]
    written = issue(held, exchanges=kept, tickets=[ticket()])
    await store.issue(written)
    where: dict[str, Any] = {"tenant": TENANT, "verification_id": held.verification_id}
    row, found = await store.verification(**where), await store.report(tenant=TENANT, report_id=written.report.id, actor="me", now=NOW)
    assert (row.state, row.current_report_id, row.lease_until) == (VerificationState.FINAL, written.report.id, None)
    assert (found.jws, found.is_current, found.digest, found.issued_at) == (written.jws, True, written.report.digest, NOW)
    assert await store.answers(**where) == list(written.answers)
    assert await store.evidence(**where) == [kept[2], kept[1], kept[0]]
    assert await store.tickets(**where) == [ticket()]


async def test_answers_are_the_newest_per_question_or_as_of_a_version(store: Store) -> None:
    held = await accepted(store)
    first = issue(held, answers=[answer("q1", code=OutcomeCode.PENDING), answer("q2", code=OutcomeCode.NO_RECORD)])
    await store.issue(first)
    await store.issue(next_version(first, held, answers=[answer("q1")]))
    where: dict[str, Any] = {"tenant": TENANT, "verification_id": held.verification_id}
    assert [a.outcome.code for a in await store.answers(**where)] == [OutcomeCode.RECORDS, OutcomeCode.NO_RECORD]
    assert [a.outcome.code for a in await store.answers(**where, up_to=1)] == [OutcomeCode.PENDING, OutcomeCode.NO_RECORD]


async def test_versions_are_listed_from_any_of_them(store: Store) -> None:
    held = await accepted(store)
    first = issue(held)
    second = next_version(first, held)
    await store.issue(first)
    await store.issue(second)
    for report in (first.report, second.report):
        assert await store.versions(tenant=TENANT, report_id=report.id) == [first.report, second.report]
    old = await store.report(tenant=TENANT, report_id=first.report.id, actor="me", now=NOW)
    assert (old.is_current, old.jws) == (False, first.jws)


async def test_repeating_an_issue_changes_nothing(store: Store) -> None:
    held = await accepted(store)
    written = issue(held, tickets=[ticket()])
    await store.issue(written)
    before = await _everything(store, written)
    await store.issue(written)
    assert await _everything(store, written) == before


async def test_version_is_written_once(store: Store) -> None:
    """Another content under a version that exists is refused, and nothing of it stays."""
    held = await accepted(store)
    first = issue(held)
    await store.issue(first)
    before = await _everything(store, first)
    with pytest.raises(LostLease):
        await store.issue(issue(held, jws=b"other.payload.signature", state=VerificationState.CANCELLED))
    assert await _everything(store, first) == before


async def test_eight_at_once_issue_one_version(store: Store) -> None:
    held = await accepted(store)
    rivals = [issue(held, jws=f"rival.{n}".encode()) for n in range(8)]
    outcomes = await asyncio.gather(*map(store.issue, rivals), return_exceptions=True)
    assert sorted(map(type, outcomes), key=str) == sorted([type(None)] + [LostLease] * 7, key=str)
    winner = rivals[outcomes.index(None)]
    assert await store.versions(tenant=TENANT, report_id=winner.report.id) == [winner.report]


# ---------------------------------------------------------------- leases and tickets


async def test_who_lost_the_lease_writes_nothing(store: Store) -> None:
    held = await accepted(store, idempotency_key="k")
    assert await store.unfinished(now=NOW, lease_until=LEASE, limit=10) == []
    (taken,) = await store.unfinished(now=AFTER_LEASE, lease_until=AFTER_LEASE + timedelta(seconds=30), limit=10)
    assert (taken.id, taken.fence, taken.state, taken.request) == (held.verification_id, 2, VerificationState.RUNNING, BODY)
    late = issue(held)
    where: dict[str, Any] = {"tenant": TENANT, "verification_id": held.verification_id}
    for write in (
        store.issue(late),
        store.fail(**where, fence=1, reason="late", now=NOW),
        store.renew(**where, fence=1, lease_until=LEASE),
    ):
        with pytest.raises(LostLease):
            await write
    assert await store.verification(**where) == taken
    assert await store.answers(**where) == []
    with pytest.raises(StillRunning):
        await accept(store, idempotency_key="k")
    await store.issue(issue(Accepted(taken.id, taken.fence)))


async def test_renewing_keeps_others_away_and_letting_go_invites_them(store: Store) -> None:
    held = await accepted(store)
    where: dict[str, Any] = {"tenant": TENANT, "verification_id": held.verification_id}
    await store.renew(**where, fence=1, lease_until=AFTER_LEASE + timedelta(seconds=1))
    assert await store.unfinished(now=AFTER_LEASE, lease_until=AFTER_LEASE, limit=10) == []
    with pytest.raises(LostLease):
        await store.claim(**where, now=AFTER_LEASE, lease_until=AFTER_LEASE)
    await store.renew(**where, fence=1, lease_until=None)
    assert (await store.claim(**where, now=NOW, lease_until=LEASE)).fence == 2


async def test_unfinished_work_is_claimed_once(store: Store) -> None:
    ids = {(await accepted(store)).verification_id for _ in range(20)}
    claims = await asyncio.gather(*(store.unfinished(now=AFTER_LEASE, lease_until=AFTER_LEASE + timedelta(1), limit=3) for _ in range(10)))
    claimed = [row.id for claim in claims for row in claim]
    assert all(len(claim) <= 3 for claim in claims)
    assert len(claimed) == len(set(claimed))
    rest = await store.unfinished(now=AFTER_LEASE, lease_until=AFTER_LEASE + timedelta(1), limit=100)
    assert {*claimed, *(row.id for row in rest)} == ids


async def test_due_tickets_are_claimed_once(store: Store) -> None:
    helds = [await accepted(store) for _ in range(12)]
    for held in helds:
        await store.issue(issue(held, state=VerificationState.PARTIAL, tickets=[ticket("a"), ticket("b"), ticket("c", next_look=LEASE)]))
    claims = await asyncio.gather(*(store.tickets_due(now=NOW, lease_until=LEASE, limit=5) for _ in range(8)))
    claimed = [(c.verification_id, c.ticket.ticket.dedupe_key) for claim in claims for c in claim]
    assert len(claimed) == len(set(claimed))
    rest = await store.tickets_due(now=NOW, lease_until=LEASE, limit=100)
    all_claimed = {*claimed, *((c.verification_id, c.ticket.ticket.dedupe_key) for c in rest)}
    assert all_claimed == {(held.verification_id, key) for held in helds for key in ("a", "b")}


async def claimed(store: Store, first: Issue) -> Accepted:
    """Claim an issued verification for its next version."""
    row = await store.claim(tenant=TENANT, verification_id=first.verification_id, now=NOW, lease_until=AFTER_LEASE)
    return Accepted(row.id, row.fence)


async def test_a_verification_stays_free_while_its_tickets_are_looked_at_and_is_not_looked_at_while_held(store: Store) -> None:
    first = issue(await accepted(store), state=VerificationState.PARTIAL, tickets=[ticket()])
    await store.issue(first)
    where: dict[str, Any] = {"tenant": TENANT, "verification_id": first.verification_id}
    (looked,) = await store.tickets_due(now=NOW, lease_until=LEASE, limit=10)
    assert (await store.claim(**where, now=NOW, lease_until=AFTER_LEASE)).fence == 2
    assert await store.tickets_due(now=LEASE, lease_until=AFTER_LEASE, limit=10) == []
    await store.renew(**where, fence=2, lease_until=None)
    (again,) = await store.tickets_due(now=LEASE, lease_until=AFTER_LEASE, limit=10)
    assert again.ticket.ticket.next_look == AFTER_LEASE > looked.ticket.ticket.next_look


async def test_ticket_is_postponed_then_closed_with_the_version_it_brings(store: Store) -> None:
    held = await accepted(store)
    first = issue(held, state=VerificationState.PARTIAL, tickets=[ticket()])
    await store.issue(first)
    (claim,) = await store.tickets_due(now=NOW, lease_until=LEASE, limit=10)
    assert (claim.tenant, claim.ticket) == (TENANT, ticket(next_look=LEASE))
    await store.postpone([(claim, AFTER_LEASE)])
    assert await store.tickets_due(now=LEASE, lease_until=AFTER_LEASE, limit=10) == []
    (again,) = await store.tickets_due(now=AFTER_LEASE, lease_until=AFTER_LEASE + timedelta(1), limit=10)
    await store.postpone([(claim, NOW)])
    assert await store.tickets(tenant=TENANT, verification_id=held.verification_id) == [again.ticket]
    await store.issue(next_version(first, await claimed(store, first), closed={"ticket-1": TicketState.DONE}))
    await store.postpone([(again, NOW)])
    (done,) = await store.tickets(tenant=TENANT, verification_id=held.verification_id)
    assert (done.state, done.ticket) == (TicketState.DONE, again.ticket.ticket)
    assert await store.tickets_due(now=AFTER_LEASE + timedelta(2), lease_until=AFTER_LEASE, limit=10) == []


async def test_ticket_that_was_answered_in_part_is_looked_at_again_from_the_version_it_brings(store: Store) -> None:
    held = await accepted(store)
    first = issue(held, state=VerificationState.PARTIAL, tickets=[ticket(), ticket("other")])
    await store.issue(first)
    second = next_version(first, await claimed(store, first), next_looks={"ticket-1": AFTER_LEASE})
    await store.issue(replace(second, state=VerificationState.PARTIAL))
    waiting = {t.ticket.dedupe_key: t for t in await store.tickets(tenant=TENANT, verification_id=held.verification_id)}
    assert {t.state for t in waiting.values()} == {TicketState.WAITING}
    assert waiting["ticket-1"].ticket.next_look == AFTER_LEASE
    assert waiting["other"] == ticket("other")


# ---------------------------------------------------------------- tenants, audit, the rest


async def test_another_tenant_finds_nothing_and_changes_nothing(store: Store) -> None:
    held = await accepted(store, idempotency_key="k")
    written = issue(held, state=VerificationState.PARTIAL, tickets=[ticket()])
    await store.issue(written)
    claim = await claimed(store, written)
    before = await _everything(store, written)
    where: dict[str, Any] = {"tenant": OTHER, "verification_id": held.verification_id}
    foreign = issue(Accepted(held.verification_id, claim.fence), tenant=OTHER)
    for attempt in (
        store.verification(**where),
        store.answers(**where),
        store.evidence(**where),
        store.tickets(**where),
        store.report(tenant=OTHER, report_id=written.report.id, actor="spy", now=NOW),
        store.versions(tenant=OTHER, report_id=written.report.id),
        store.issue(foreign),
        store.fail(**where, fence=claim.fence, reason="spite", now=NOW),
        store.renew(**where, fence=claim.fence, lease_until=None),
        store.claim(**where, now=AFTER_LEASE, lease_until=AFTER_LEASE),
    ):
        with pytest.raises(NotFound):
            await attempt
    await store.respond(**where, response=Response(200, {}, b"theirs"))
    assert await _everything(store, written) == before
    assert await store.audit_log(tenant=OTHER) == [entry for entry in await store.audit_log(tenant=OTHER) if entry.action == "client.added"]


async def test_reading_a_report_is_in_the_audit_log(store: Store) -> None:
    held = await accepted(store)
    written = issue(held)
    await store.issue(written)
    await store.report(tenant=TENANT, report_id=written.report.id, actor="clerk-7", now=LEASE)
    log = await store.audit_log(tenant=TENANT)
    assert [entry.action for entry in log] == ["client.added", "verification.accepted", "report.issued", "report.read"]
    read = log[-1]
    assert (read.actor, read.at, read.object_id, read.detail) == ("clerk-7", LEASE, written.report.id, {"version": 1})
    assert len({entry.digest for entry in log}) == 4
    assert await store.audit_log(tenant=TENANT, after=log[2].id) == [read]


async def test_refused_read_leaves_no_audit_row(store: Store) -> None:
    before = await store.audit_log(tenant=TENANT)
    with pytest.raises(NotFound):
        await store.report(tenant=TENANT, report_id=new_id(), actor="clerk-7", now=NOW)
    assert await store.audit_log(tenant=TENANT) == before


async def test_progress_tells_every_state_and_whether_it_is_over(store: Store) -> None:
    held = await accepted(store)
    key = {"tenant": TENANT, "verification_id": held.verification_id}
    before = await store.progress(**key)
    assert ([(c.number, c.state) for c in before.changes], before.is_over) == ([(0, VerificationState.ACCEPTED)], False)
    written = issue(held)
    await store.issue(written)
    after = await store.progress(**key)
    assert [(c.number, c.state, c.report_id) for c in after.changes[1:]] == [(1, written.state, written.report.id)]
    assert after.is_over is (written.state is VerificationState.FINAL)
    with pytest.raises(NotFound):
        await store.progress(tenant=OTHER, verification_id=held.verification_id)


async def test_backlog_counts_what_waits(store: Store) -> None:
    held = await accepted(store)
    await store.issue(issue(held, tickets=(ticket(),)))
    now = await store.backlog(now=NOW)
    later = await store.backlog(now=NOW + timedelta(days=30))
    assert (now.open_tickets, now.overdue_tickets, now.waiting_events) == (1, 0, 1)
    assert (later.open_tickets, later.overdue_tickets) == (1, 1)


async def test_disabled_client_stays_so_since_the_first_time(store: Store) -> None:
    for minutes in (1, 2):
        await store.disable_client(f"client-{TENANT}", now=NOW + timedelta(minutes=minutes))
    disabled = replace(client(), disabled_at=NOW + timedelta(minutes=1))
    assert await store.client(f"client-{TENANT}") == disabled
    assert list(await store.clients()) == [disabled, client(OTHER)]
    assert [entry.action for entry in await store.audit_log(tenant=TENANT)] == ["client.added", "client.disabled"]
    with pytest.raises(NotFound):
        await store.disable_client("nobody", now=NOW)


async def test_client_comes_back_as_it_was_added(store: Store) -> None:
    assert await store.client(f"client-{TENANT}") == client()
    with pytest.raises(NotFound):
        await store.client("nobody")


async def test_instant_without_a_zone_is_refused(store: Store) -> None:
    with pytest.raises(Exception, match="an instant needs a zone"):
        await accept(store, now=NOW.replace(tzinfo=None))


async def test_ready_when_it_answers_with_the_current_schema(store: Store) -> None:
    await store.ping()
    assert await store.migration_is_current()


async def test_close_finishes_what_was_handed_in(database_url: str) -> None:
    migrate(database_url)
    cipher = new_cipher()
    first = await open_store(database_url, cipher=cipher)
    await first.add_client(client())
    tasks = [asyncio.create_task(accepted(first)) for _ in range(5)]
    await asyncio.sleep(0)
    await asyncio.gather(first.close(), *tasks)
    again = await open_store(database_url, cipher=cipher)
    for task in tasks:
        assert (await again.verification(tenant=TENANT, verification_id=task.result().verification_id)).request == BODY
    await again.close()


async def test_unknown_engine_is_refused() -> None:
    with pytest.raises(ConfigurationError):
        await open_store("mysql://localhost/x", cipher=new_cipher())


async def _everything(store: Store, written: Issue) -> tuple[Any, ...]:
    where: dict[str, Any] = {"tenant": TENANT, "verification_id": written.verification_id}
    return (
        await store.verification(**where),
        await store.versions(tenant=TENANT, report_id=written.report.id),
        await store.answers(**where),
        await store.evidence(**where),
        await store.tickets(**where),
        await store.audit_log(tenant=TENANT),
    )


# ---------------------------------------------------------------- calls that verifications share


async def test_a_shared_call_comes_back_to_each_of_its_verifications(store: Store) -> None:
    call = shared_call("q1", "q2")
    first, second = await accepted(store), await accepted(store)
    for held, question_id in ((first, "q1"), (second, "q2")):
        await store.issue(issue(held, exchanges=(), shares=(share(call, question_id),)))
    for held, question_id, place in ((first, "q1", 0), (second, "q2", 1)):
        (found,) = await store.shares(tenant=TENANT, verification_id=held.verification_id)
        assert (found.call_no, found.places, found.version) == (7, {question_id: place}, 1)
        assert (found.call.id, found.call.source) == (call.id, "vehicle")
        assert (list(found.call.questions), list(found.call.exchanges)) == (list(call.questions), list(call.exchanges))


async def test_a_shared_call_is_kept_once_even_by_two_at_once(store: Store, database_url: str) -> None:
    calls = [shared_call("q1", "q2", body=bytes([n])) for n in range(8)]
    held = [await accepted(store) for _ in range(8)]
    issues = [issue(one, exchanges=(), shares=[share(c, "q1", call_no=n) for n, c in enumerate(calls)]) for one in held]
    await asyncio.gather(*(store.issue(one) for one in issues))
    assert [len(await store.shares(tenant=TENANT, verification_id=one.verification_id)) for one in held] == [8] * 8
    assert _count(database_url, "shared_calls") == 8


async def test_a_shared_call_is_not_there_for_another_tenant(store: Store) -> None:
    held = await accepted(store)
    await store.issue(issue(held, shares=(share(shared_call("q1"), "q1"),)))
    with pytest.raises(NotFound):
        await store.shares(tenant=OTHER, verification_id=held.verification_id)


async def test_a_version_that_is_refused_leaves_no_shared_call(store: Store, database_url: str) -> None:
    held = await accepted(store)
    with pytest.raises(LostLease):
        await store.issue(issue(replace(held, fence=9), shares=(share(shared_call("q1"), "q1"),)))
    assert _count(database_url, "shared_calls") == 0


def _count(database_url: str, table: str) -> int:
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        counted: int = connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()  # noqa: S608 - a name from a test
    engine.dispose()
    return counted
