"""Holds what a client was told against what the database says, without asking the service (reliability reference 5.3).

It reads the receipts and results that the client has, and the tables; it imports nothing of the service that made them,
and computes the manifest's tree by its definition.
"""

import json
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import create_engine, text

OPEN_CHUNKS = "SELECT count(*) FROM batch_chunks WHERE batch_id = :id AND state NOT IN ('done', 'cancelled')"
OPEN_TICKETS = "SELECT count(*) FROM batch_tickets WHERE batch_id = :id AND state = 'waiting'"
BATCH = "SELECT state, digest, rows_in, final, partial, rejected, cancelled, manifest FROM batches WHERE id = :id"
ROWS = "SELECT no, state, verification_id, report_id FROM batch_rows WHERE batch_id = :id ORDER BY no"
CHAINS = (
    "SELECT v.id, v.current_report_id, v.lease_until, p.id, p.version, p.replaces, p.digest FROM batch_rows r"
    " JOIN verifications v ON v.id = r.verification_id JOIN reports p ON p.verification_id = v.id"
    " WHERE r.batch_id = :id ORDER BY v.id, p.version"
)
EVENTS = "SELECT count(*) FROM outbox WHERE kind = 'batch.completed' AND verification_id = :id"
RECEIPTS = "SELECT count(*) FROM batches WHERE state = 'receiving'"


def broken(database_url: str, receipt: Mapping[str, Any], results: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return every invariant that does not hold for a batch that is over."""
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:

        def ask(statement: str) -> list[Any]:
            return list(connection.execute(text(statement), {"id": receipt["batch_id"]}))

        (batch,) = ask(BATCH)
        found = [
            *_accounted(batch, receipt, ask(ROWS), results),
            *_chained(ask(CHAINS), ask(ROWS)),
            *_settled(ask(OPEN_CHUNKS)[0][0], ask(OPEN_TICKETS)[0][0], ask(EVENTS)[0][0]),
            *_proven(batch, ask(ROWS), {row[3]: row[6] for row in ask(CHAINS)}),
        ]
    engine.dispose()
    return found


def _accounted(batch: Any, receipt: Mapping[str, Any], rows: Sequence[Any], results: Sequence[Mapping[str, Any]]) -> list[str]:
    """I1, I3: what was acknowledged is there, and every row has one result, as sets and in number."""
    found = []
    if (batch.digest, batch.rows_in) != (receipt["digest"], receipt["rows_in"]):
        found.append("I1: another file than the one acknowledged")
    counts = Counter(row.state for row in rows)
    told = {name: getattr(batch, name) for name in ("final", "partial", "rejected", "cancelled")}
    if sum(told.values()) != batch.rows_in or {k: v for k, v in told.items() if v} != dict(counts):
        found.append(f"I3: {told} of {batch.rows_in}, rows {dict(counts)}")
    if [row.no for row in rows] != list(range(1, batch.rows_in + 1)):
        found.append("I3: rows missing or double")
    if [(r["row"], r["state"], r["report_id"]) for r in results] != [(row.no, row.state, row.report_id) for row in rows]:
        found.append("I3: the results are not the rows")
    return found


def _chained(versions: Sequence[Any], rows: Sequence[Any]) -> list[str]:
    """I2, I12: one chain of versions for every verified row, each replacing the one before, the last one current."""
    found = []
    chains: dict[str, list[Any]] = {}
    for version in versions:
        chains.setdefault(version[0], []).append(version)
    for chain in chains.values():
        if [v.version for v in chain] != list(range(1, len(chain) + 1)) or chain[-1][3] != chain[0].current_report_id:
            found.append("I2: versions are not one chain")
        if [v.replaces for v in chain] != [None, *(v[3] for v in chain[:-1])]:
            found.append("I2: a version replaces another than the one before")
        if chain[0].lease_until is not None:
            found.append("I14: an orphan lease")
    verified = {row.verification_id for row in rows if row.state in {"final", "partial"}}
    if verified != set(chains):
        found.append("I2: verified rows and chains differ")
    return found


def _settled(chunks: int, tickets: int, events: int) -> list[str]:
    """I10, I14: nothing is open, and its end was told once."""
    found = [f"I14: {chunks} open chunks, {tickets} open tickets"] if chunks or tickets else []
    return found if events == 1 else [*found, f"I10: {events} events of its end"]


def _proven(batch: Any, rows: Sequence[Any], digests: Mapping[str, str]) -> list[str]:
    """I3: the manifest's counts and root are those of the rows."""
    if batch.manifest is None:
        return [] if batch.state == "cancelled" else ["I3: no manifest"]
    said = _payload(batch.manifest)
    leaves = [json.dumps({"digest": digests.get(row.report_id), "row": row.no, "state": row.state}, separators=(",", ":")) for row in rows]
    root = _root([leaf.encode() for leaf in leaves]).hex()
    counts = [said[name] == getattr(batch, name) for name in ("rows_in", "final", "partial", "rejected", "cancelled")]
    return [] if all(counts) and said["tree"]["root"] == root else ["I3: the manifest is of other rows"]


def _root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + _root(leaves[:half]) + _root(leaves[half:])).digest()


def _payload(jws: str) -> dict[str, Any]:
    body = jws.split(".")[1]
    return dict(json.loads(urlsafe_b64decode(body + "=" * (-len(body) % 4))))
