"""I9 to I14: the log, the events, repeated keys, fences, tenants, and that nothing is left open."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise
from typing import Any

from tests.functional.checker.invariant import invariant
from tests.functional.checker.ledgers import Ledgers


@invariant("I9", "each report version has exactly one line in the log, with its digest")
def logged(ledgers: Ledgers) -> Iterator[str]:
    lines = Counter((line.object_id, _detail(line.detail).get("digest")) for line in ledgers.tables["issued"])
    for version in ledgers.tables["versions"]:
        number = lines[version.id, version.digest]
        if number != 1:
            yield f"version {version.version} of a report has {number} lines"


def _detail(value: Any) -> Mapping[str, Any]:
    return dict(json.loads(value)) if isinstance(value, str) else dict(value)


@invariant("I10", "the end of a batch is told once")
def told_once(ledgers: Ledgers) -> Iterator[str]:
    batch, number = ledgers.batch, len(ledgers.tables["events"])
    if batch is not None and number != 1 + ledgers.receipts.retries:
        yield f"{number} events of its end"


@invariant("I11", "replies to one idempotency key are the same bytes")
def repeated_alike(ledgers: Ledgers) -> Iterator[str]:
    for replies in ledgers.receipts.replies.values():
        if len(set(replies)) > 1:
            yield f"{len(set(replies))} different replies to one key"


@invariant("I12", "no fence goes backwards")
def fences_rise(ledgers: Ledgers) -> Iterator[str]:
    for before, after in pairwise(ledgers.receipts.fences):
        sunk = [no for no, fence in before.items() if after.get(no, fence) < fence]
        if sunk:
            yield f"{len(sunk)} chunks with a lower fence than before"


@invariant("I12", "no write by an old fence: as many fences as pieces of work that were written")
def fences_cover_work(ledgers: Ledgers) -> Iterator[str]:
    written: dict[int, set[int]] = {}
    for kept in ledgers.tables["exchanges"]:
        written.setdefault(kept.chunk_no, set()).add(kept.attempt)
    for chunk in ledgers.tables["chunks"]:
        if len(written.get(chunk.no, ())) > chunk.fence or max(written.get(chunk.no, {0})) > chunk.attempt:
            yield f"chunk {chunk.no}: more written than taken"


@invariant("I13", "nothing of tenant A in any R of tenant B")
def kept_apart(ledgers: Ledgers) -> Iterator[str]:
    if any(status != 404 for status in ledgers.receipts.strangers):
        yield "another tenant saw the batch"
    for name in ("batches", "rows", "chunks", "tickets", "versions", "outcomes"):
        if any(row.tenant != ledgers.receipts.tenant for row in ledgers.tables[name]):
            yield f"a row of another tenant in {name}"


@invariant("I14", "after the end: no running item, no open ticket, no orphan lease")
def settled(ledgers: Ledgers) -> Iterator[str]:
    if ledgers.batch is not None and ledgers.batch.state not in {"completed", "cancelled"}:
        yield f"the batch is {ledgers.batch.state}"
    open_chunks = [chunk for chunk in ledgers.tables["chunks"] if chunk.state not in {"done", "cancelled"}]
    waiting = [ticket for ticket in ledgers.tables["tickets"] if ticket.state == "waiting"]
    if open_chunks or waiting:
        yield f"{len(open_chunks)} open chunks, {len(waiting)} open tickets"
    if any(version.lease_until is not None for version in ledgers.tables["versions"]):
        yield "an orphan lease"
