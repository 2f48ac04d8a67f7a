"""I1 to I3: what was acknowledged is there, each household once, and its one result."""

import json
from base64 import urlsafe_b64decode
from collections import Counter
from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from tests.functional.checker.invariant import invariant
from tests.functional.checker.ledgers import Ledgers

STATES = ("final", "partial", "rejected", "cancelled")


@invariant("I1", "every row acknowledged in R appears in D, with equal input")
def acknowledged(ledgers: Ledgers) -> Iterator[str]:
    batch, receipt = ledgers.batch, ledgers.receipts.receipt
    if batch is None or batch.state == "receiving":
        yield "a batch that was acknowledged is not in the database"
        return
    if not batch.digest == receipt["digest"] == sha256(ledgers.receipts.content).hexdigest() or batch.rows_in != receipt["rows_in"]:
        yield "another file than the one acknowledged"
    for row in ledgers.tables["rows"]:
        sent = ledgers.receipts.requests.get(row.no)
        if row.state != "rejected" and (sent is None or sent.get("client_reference") != row.reference):
            yield f"row {row.no} is not the row of the file"


@invariant("I2", "every acknowledged row has exactly one version chain; every version in R is in D; no version number twice")
def chained(ledgers: Ledgers) -> Iterator[str]:
    chains: dict[str, list[Any]] = {}
    for version in ledgers.tables["versions"]:
        chains.setdefault(version.verification_id, []).append(version)
    for chain in chains.values():
        if [v.version for v in chain] != list(range(1, len(chain) + 1)) or chain[-1].id != chain[0].current_report_id:
            yield "versions are not one chain"
        if [v.replaces for v in chain] != [None, *(v.id for v in chain[:-1])]:
            yield "a version replaces another than the one before"
    verified = {row.verification_id for row in ledgers.tables["rows"] if row.state in {"final", "partial"}}
    if verified != set(chains):
        yield "verified rows and chains differ"


@invariant("I2", "every acknowledged row became exactly one verification")
def verified_once(ledgers: Ledgers) -> Iterator[str]:
    references = {row.reference for row in ledgers.tables["rows"] if row.state in {"final", "partial"}}
    counted = Counter(v.client_reference for v in ledgers.tables["verifications"] if v.client_reference in references)
    for reference, number in counted.items():
        if number != 1:
            yield f"{number} verifications of one row ({reference})"


@invariant("I2", "every version brings something that the one before did not have")
def versions_bring_news(ledgers: Ledgers) -> Iterator[str]:
    news = {(row.verification_id, row.version) for row in ledgers.tables["outcomes"]}
    for version in ledgers.tables["versions"]:
        if (version.verification_id, version.version) not in news:
            yield f"version {version.version} without an answer of its own"


@invariant("I3", "rows_in = final + partial + rejected + cancelled, and the counts are those of the rows")
def accounted(ledgers: Ledgers) -> Iterator[str]:
    batch = ledgers.batch
    if batch is None:
        return
    counts = Counter(row.state for row in ledgers.tables["rows"])
    told = {name: getattr(batch, name) for name in STATES}
    if sum(told.values()) != batch.rows_in or {k: v for k, v in told.items() if v} != dict(counts):
        yield f"{told} of {batch.rows_in}, rows {dict(counts)}"
    if [row.no for row in ledgers.tables["rows"]] != list(range(1, batch.rows_in + 1)):
        yield "rows missing or double"


@invariant("I3", "results in R are the rows of D, as sets and in number, with the bytes that were signed")
def results_are_rows(ledgers: Ledgers) -> Iterator[str]:
    told = [(r["row"], r["state"], r["report_id"]) for r in ledgers.receipts.results]
    if told != [(row.no, row.state, row.report_id) for row in ledgers.tables["rows"]]:
        yield "the results are not the rows"
    digests = {v.id: v.digest for v in ledgers.tables["versions"]}
    for result in ledgers.receipts.results:
        if result["jws"] is not None and sha256(signed(result["jws"])).hexdigest() != digests.get(result["report_id"]):
            yield f"row {result['row']}: other bytes than those of its version"


@invariant("I3", "the manifest's counts and root are those of the rows")
def proven(ledgers: Ledgers) -> Iterator[str]:
    batch = ledgers.batch
    if batch is None or batch.state == "cancelled":
        return
    if batch.manifest is None:
        yield "no manifest"
        return
    said = json.loads(signed(batch.manifest))
    digests = {v.id: v.digest for v in ledgers.tables["versions"]}
    leaves = [leaf(row, digests) for row in ledgers.tables["rows"]]
    if any(said[name] != getattr(batch, name) for name in ("rows_in", *STATES)):
        yield "the manifest counts other rows"
    if not leaves or said["tree"]["root"] != root(leaves).hex():
        yield "the manifest's root is not over all rows"


def leaf(row: Any, digests: dict[str, str]) -> bytes:
    said = {"digest": digests.get(row.report_id), "row": row.no, "state": row.state}
    return json.dumps(said, separators=(",", ":")).encode()


def root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1, word for word."""
    if len(leaves) == 1:
        return sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return sha256(b"\x01" + root(leaves[:half]) + root(leaves[half:])).digest()


def signed(jws: str) -> bytes:
    """Return the bytes that a compact JWS signs, without verifying it."""
    body = jws.split(".")[1]
    return urlsafe_b64decode(body + "=" * (-len(body) % 4))
