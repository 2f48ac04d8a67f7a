"""The service's own commands with bugs that can be switched on and off while they run, to see whether the checker finds them.

    python -m tests.functional.mutants FILE COMMAND [ARGUMENT ...]

FILE holds the name of the bug that is on, or nothing. Dead workers are noticed after two seconds, as in crashing.py.
"""

import hashlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, delete, insert, literal, select, update

from tests.functional.crashing import DEAD_AFTER_SECONDS, die
from verify_service import __main__ as commands
from verify_service.bulk import batch_worker, first_versions, manifest, pooling
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode
from verify_service.sources.policy.quota import Quota
from verify_service.storage import batch_chunks, batch_control, batch_issuing
from verify_service.storage.batch_tables import batch_chunks as chunks
from verify_service.storage.batch_tables import batch_rows, batches
from verify_service.storage.batches import BatchStore
from verify_service.storage.tables import reports, verifications
from verify_service.verification import fanout
from verify_service.verification.plan import Permits, local_day

Patch = Callable[[Any], Any]  # from the right function to the one with the bug
SWITCH: list[Path] = []
MUTANTS: dict[str, tuple[Any, str, Patch]] = {}


def is_on(name: str) -> bool:
    """Say whether a bug is on at this moment."""
    return name in SWITCH[0].read_text("utf-8").split()


def mutant(owner: Any, attribute: str) -> Callable[[Patch], Patch]:
    """Plant a bug, named as the function that makes it: in place of an attribute, while it is on."""

    def planted(patch: Patch) -> Patch:
        MUTANTS[patch.__name__] = (owner, attribute, patch)
        return patch

    return planted


def plant(name: str) -> None:
    """Put a switch between the right function and the one with the bug."""
    owner, attribute, patch = MUTANTS[name]
    right = getattr(owner, attribute)
    wrong = patch(right)

    def switched(*arguments: Any, **named: Any) -> Any:
        return (wrong if is_on(name) else right)(*arguments, **named)

    setattr(owner, attribute, switched)


@mutant(fanout, "dedupe_key")
def ticket_asked_twice(right: Any) -> Any:
    """Hand the same work in again under another key after a restart."""
    return lambda questions: hashlib.sha256(f"{os.getpid()} {right(questions)}".encode()).hexdigest()


@mutant(batch_issuing, "write")
def row_dropped(right: Any) -> Any:
    """Lose a row when the chunk is written for the last time."""

    def wrong(connection: Connection, prepared: Any) -> None:
        right(connection, prepared)
        key = prepared.issue.work.key
        if prepared.issue.wait is None:
            connection.execute(delete(batch_rows).where(batch_rows.c.batch_id == key.batch_id, batch_rows.c.no == 2))

    return wrong


@mutant(batch_control, "_adds_up")
def accounting_skipped(right: Any) -> Any:
    """Complete whatever the counts."""
    del right
    return lambda *_: True


@mutant(batch_control, "complete")
def row_counted_twice(right: Any) -> Any:
    """Count one final row twice."""

    def wrong(connection: Connection, **named: Any) -> bool:
        done = bool(right(connection, **named))
        connection.execute(update(batches).where(batches.c.id == named["batch_id"]).values(final=batches.c.final + 1))
        return done

    return wrong


@mutant(batch_chunks, "is_wanted")
def asked_after_cancel(right: Any) -> Any:
    """Never notice that a chunk was taken away."""
    del right
    return lambda *_, **__: True


@mutant(pooling.Pool, "spread")
def answer_of_another_person(right: Any) -> Any:
    """Give every person the answer of the next one."""

    def wrong(self: Any, calls: Any) -> dict[str, Answer]:
        return dict(right(self, [replace(call, answers=_shifted(call.answers)) for call in calls]))

    return wrong


def _shifted(answers: Sequence[Answer]) -> list[Answer]:
    return [Answer(a.question, b.outcome, b.records) for a, b in zip(answers, [*answers[1:], answers[0]], strict=True)]


@mutant(pooling.Pool, "spread")
def record_lost(right: Any) -> Any:
    """Lose one record of everybody who has several."""

    def wrong(self: Any, calls: Any) -> dict[str, Answer]:
        found: dict[str, Answer] = right(self, calls)
        return {name: replace(a, records=a.records[:-1]) if len(a.records) > 1 else a for name, a in found.items()}

    return wrong


@mutant(fanout, "failed")
def no_record_for_unavailable(right: Any) -> Any:
    """Take a register that does not answer for one that has nothing."""

    def wrong(channel: Any, questions: Any, client: Any, failure: Any) -> Any:
        call = right(channel, questions, client, failure)
        nothing = Outcome(OutcomeCode.NO_RECORD, as_of=local_day(client.now()), asked_at=client.now(), answered_at=client.now())
        return replace(call, answers=[Answer(a.question, nothing) for a in call.answers])

    return wrong


@mutant(batch_issuing, "write")
def report_issued_twice(right: Any) -> Any:
    """Issue every first version once more, as a verification of its own."""

    def wrong(connection: Connection, prepared: Any) -> None:
        right(connection, prepared)
        for each in prepared.issue.issues:
            if each.report.version == 1:
                _copy(connection, verifications, verifications.c.id == each.verification_id, "id", "request_no")
                _copy(connection, reports, reports.c.id == each.report.id, "id", "verification_id")

    return wrong


def _copy(connection: Connection, table: Any, where: Any, *ids: str) -> None:
    columns = [(literal("again-") + column).label(column.name) if column.name in ids else column for column in table.c]
    connection.execute(insert(table).from_select([column.name for column in table.c], select(*columns).where(where)))


@mutant(first_versions, "kept_exchanges")
def exchange_not_stored(right: Any) -> Any:
    """Keep no evidence."""
    del right
    return lambda _calls: []


@mutant(Quota, "try_take")
def quota_ignored(right: Any) -> Any:
    """Ask as often as one likes."""
    del right
    return lambda *_: True


@mutant(batch_chunks, "begin")
def completed_before_accounting(right: Any) -> Any:
    """Call a batch completed as soon as its work begins."""

    def wrong(connection: Connection, cipher: Any, key: Any) -> Any:
        work = right(connection, cipher, key)
        connection.execute(update(batches).where(batches.c.id == key.batch_id).values(state="completed"))
        return work

    return wrong


@mutant(Permits, "ground")
def asked_without_consent(right: Any) -> Any:
    """Ask every source under whatever consent there is."""
    del right
    return lambda self, _source: (self.live[0] if self.live else None, self.obstacle)


@mutant(manifest, "_rows")
def manifest_leaf_missing(right: Any) -> Any:
    """Leave the report of the second row out of the tree."""

    async def wrong(services: Any, batch: Any) -> AsyncIterator[tuple[int, str, str | None]]:
        async for number, state, digest in right(services, batch):
            yield number, state, None if number == 2 else digest

    return wrong


@mutant(BatchStore, "accept")
def acknowledged_before_commit(right: Any) -> Any:
    """Say that a file is accepted, and accept it never."""
    del right

    async def wrong(_self: BatchStore, _upload: Any, _response: Any) -> None:
        return None

    return wrong


@mutant(BatchStore, "accept")
def key_ignored(right: Any) -> Any:
    """Take the same upload in again."""
    return lambda self, upload, response: right(self, replace(upload, idempotency_key=None), response)


@mutant(BatchStore, "batch")
def tenant_ignored(right: Any) -> Any:
    """Show a batch to whoever knows its id."""

    async def wrong(self: BatchStore, *, tenant: str, batch_id: str) -> Any:
        owner = select(batches.c.tenant).where(batches.c.id == batch_id)
        found = await self._executor.read(lambda connection: connection.execute(owner).scalar_one_or_none())
        return await right(self, tenant=found or tenant, batch_id=batch_id)

    return wrong


@mutant(batch_chunks, "begin")
def fence_lowered(right: Any) -> Any:
    """Take a chunk under the fence that somebody else held before."""

    def wrong(connection: Connection, cipher: Any, key: Any) -> Any:
        work = right(connection, cipher, key)
        connection.execute(update(chunks).where(chunks.c.batch_id == key.batch_id, chunks.c.no == key.no).values(fence=1))
        return None if work is None else replace(work, fence=1)

    return wrong


@mutant(batch_issuing, "prepare")
def ticket_left_open(right: Any) -> Any:
    """Forget that a ticket was answered."""
    return lambda cipher, issue: right(cipher, replace(issue, closed={}))


@mutant(batch_control, "_tell")
def end_not_told(right: Any) -> Any:
    """Write no event."""
    del right
    return lambda *_: None


@mutant(batch_issuing, "_act")
def log_line_missing(right: Any) -> Any:
    """Log another report than the one that was issued."""
    return lambda each: replace(right(each), object_id="another")


@mutant(BatchStore, "put_off")
def dies(right: Any) -> Any:
    """Die by kill -9 when work was handed in and not written down: no bug, but where one shows."""
    del right
    return lambda *_: die()


def main() -> None:
    file, *sys.argv[1:] = sys.argv[1:]
    SWITCH.append(Path(file))
    batch_worker.DEAD_AFTER_SECONDS = DEAD_AFTER_SECONDS
    batch_worker._BEAT_SECONDS = 0.5
    for name in MUTANTS:
        plant(name)
    commands.main()


if __name__ == "__main__":
    main()
