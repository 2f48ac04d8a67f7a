"""The three ledgers: S, what the registers wrote; D, what the database holds; R, what the client sent and was told."""

import base64
import hashlib
import hmac
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from sqlalchemy import Row, create_engine, text

QUERIES = {
    "batches": "SELECT * FROM batches WHERE id = :id",
    "rows": "SELECT * FROM batch_rows WHERE batch_id = :id ORDER BY no",
    "chunks": "SELECT no, tenant, state, task, attempt, fence FROM batch_chunks WHERE batch_id = :id ORDER BY no",
    "tickets": "SELECT * FROM batch_tickets WHERE batch_id = :id",
    "exchanges": "SELECT chunk_no, attempt, source, request_digest, answer_digest, step FROM batch_exchanges WHERE batch_id = :id",
    "versions": "SELECT p.*, v.current_report_id, v.lease_until FROM reports p JOIN verifications v ON v.id = p.verification_id"
    " JOIN batch_rows r ON r.verification_id = v.id WHERE r.batch_id = :id ORDER BY p.verification_id, p.version",
    "verifications": "SELECT v.id, v.client_reference FROM verifications v WHERE v.tenant = :tenant",
    "issued": "SELECT a.object_id, a.detail FROM audit a WHERE a.action = 'report.issued' AND a.tenant = :tenant",
    "outcomes": "SELECT a.* FROM answers a JOIN batch_rows r ON r.verification_id = a.verification_id WHERE r.batch_id = :id",
    "events": "SELECT * FROM outbox WHERE verification_id = :id AND kind = 'batch.completed'",
}


@dataclass(frozen=True, slots=True)
class Told:
    """One message in S: what was asked of whom, and what became of the answer. `body` is the answer's bytes, if kept."""

    source: str
    at: datetime
    way: str
    name: str
    ticket: str
    asked_digest: str
    subjects: frozenset[str]
    fate: str
    status: int
    digest: str
    body: bytes | None = field(repr=False)

    @property
    def asks(self) -> bool:
        """Say whether it puts questions, rather than looks at a ticket or fetches a file or a token."""
        return bool(self.subjects) and not self.way.startswith("GET ")

    @property
    def is_whole(self) -> bool:
        """Say whether a good answer left whole."""
        return self.fate == "whole" and self.status == 200


@dataclass
class Receipts:
    """R for one batch: the file that was sent, the receipt, results, replies by key, acts, and what the test did to the service."""

    tenant: str
    content: bytes = field(repr=False)
    receipt: Mapping[str, Any]
    results: Sequence[Mapping[str, Any]] = field(default=(), repr=False)
    replies: Mapping[str, Sequence[bytes]] = field(default_factory=dict, repr=False)
    cancelled_at: datetime | None = None
    disturbances: int = 0
    retries: int = 0
    batches: int = 1  # in which the same people are
    fences: Sequence[Mapping[int, int]] = ()
    strangers: Sequence[int] = ()
    per_second: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def requests(self) -> Mapping[int, Mapping[str, Any]]:
        """Return the households that can be read, by row."""
        found = {}
        for number, line in enumerate(self.content.splitlines(), 1):
            try:
                request = json.loads(line)
                if request["household"]["members"]:
                    found[number] = request
            except (ValueError, KeyError, TypeError):
                continue  # a bad row, which is rejected
        return found


@dataclass
class Ledgers:
    """All three, for one batch."""

    told: Sequence[Told]
    tables: Mapping[str, Sequence[Row[Any]]] = field(repr=False)
    receipts: Receipts
    key: bytes = field(repr=False)

    def subject(self, id_number: str) -> str:
        """Return how the journals name a person."""
        return hmac.new(self.key, id_number.encode(), hashlib.sha256).hexdigest()[:32]

    @property
    def batch(self) -> Any:
        """Return the batch's row, or None."""
        return next(iter(self.tables["batches"]), None)

    @cached_property
    def chunks_of(self) -> Mapping[str, frozenset[int]]:
        """Return the chunks in which a person is asked about, by her name in the journals."""
        chunk = {row.no: row.chunk_no for row in self.tables["rows"] if row.state != "rejected"}
        found: dict[str, set[int]] = {}
        for number, request in self.receipts.requests.items():
            for member in request["household"]["members"] if number in chunk else ():
                found.setdefault(self.subject(member["id_number"]), set()).add(chunk[number])
        return {subject: frozenset(chunks) for subject, chunks in found.items()}

    @cached_property
    def mine(self) -> Sequence[Told]:
        """Return what the registers were told about this batch's people."""
        return [told for told in self.told if told.subjects & self.chunks_of.keys()]


def read_ledgers(journal: Path, database_url: str, receipts: Receipts) -> Ledgers:
    """Read S and D beside R."""
    lines = [json.loads(line) for file in sorted(journal.glob("*.ndjson")) for line in file.read_bytes().splitlines()]
    key = bytes.fromhex((journal / "key").read_text(encoding="ascii"))
    return Ledgers(_told(lines), _tables(database_url, receipts), receipts, key)


def _told(lines: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Join the two lines of every message; one whose answer never was on the socket is `under way`."""
    ends = {(line["source"], line["no"]): line for line in lines if line["what"] == "told"}
    nothing = {"fate": "under way", "status": 0, "digest": "", "body": None}
    pairs = ((line, ends.get((line["source"], line["no"]), nothing)) for line in lines if line["what"] == "asked")
    return [_message(asked, told) for asked, told in pairs]


def _message(asked: Mapping[str, Any], told: Mapping[str, Any]) -> Told:
    body = None if told["body"] is None else zlib.decompress(base64.b64decode(told["body"]))
    named = (asked["way"], asked["name"], asked["ticket"], asked["digest"], frozenset(asked["subjects"]))
    at = datetime.fromisoformat(asked["at"])
    return Told(asked["source"], at, *named, told["fate"], told["status"], told["digest"], body)


def _tables(database_url: str, receipts: Receipts) -> Mapping[str, Sequence[Row[Any]]]:
    engine = create_engine(database_url.replace("+aiosqlite", ""))
    with engine.connect() as connection:
        about = {"id": receipts.receipt["batch_id"], "tenant": receipts.tenant}
        found = {name: list(connection.execute(text(query), about)) for name, query in QUERIES.items()}
    engine.dispose()
    return found
