"""The manifest of a batch: how many rows came to what, and one hash over all of their reports, signed.

Every row is a leaf: its number, its state, and the SHA-256 of its report if it has one. Who holds a report can prove with
the proof of its row that it belongs to the batch, without the other reports.
"""

from collections.abc import AsyncIterator
from typing import Any

import orjson

from verify_service.bulk.merkle import Tree, inclusion_proof, leaf_hash
from verify_service.errors import NotFound
from verify_service.services import Services
from verify_service.signing.signer import sign
from verify_service.storage.batch_records import BatchRow

TYPE = "verify-batch-manifest+jws"
_PAGE = 10_000


def leaf(number: int, state: str, digest: str | None) -> bytes:
    """Return what is hashed of a row: canonical JSON."""
    return orjson.dumps({"digest": digest, "row": number, "state": state}, option=orjson.OPT_SORT_KEYS)


async def make_manifest(services: Services, batch: BatchRow) -> tuple[str, dict[str, int]]:
    """Return the signed manifest (compact JWS) and the counts in it."""
    tree = Tree()
    counts = {"final": 0, "partial": 0, "rejected": 0, "cancelled": 0}
    async for number, state, digest in _rows(services, batch):
        tree.add(leaf_hash(leaf(number, state, digest)))
        counts[state] = counts.get(state, 0) + 1
    said: dict[str, Any] = {
        "batch_id": batch.id,
        "digest": batch.digest,
        "rows_in": batch.rows_in,
        **counts,
        "tree": {"algorithm": "RFC 6962, SHA-256", "size": tree.size, "root": tree.root().hex()},
        "made_at": services.clock().isoformat(),
    }
    return sign(said, services.keyring().active, typ=TYPE).jws, counts


async def prove(services: Services, batch: BatchRow, number: int) -> dict[str, Any]:
    """Return the leaf of a row and the hashes that lead from it to the root. Raises NotFound."""
    rows = [row async for row in _rows(services, batch)]
    if not 1 <= number <= len(rows):
        raise NotFound
    hashed = [leaf_hash(leaf(*row)) for row in rows]
    _, state, digest = rows[number - 1]
    path = [step.hex() for step in inclusion_proof(hashed, number - 1)]
    return {"row": number, "state": state, "digest": digest, "size": len(rows), "path": path}


async def _rows(services: Services, batch: BatchRow) -> AsyncIterator[tuple[int, str, str | None]]:
    after = 0
    while page := await services.store.batches.digests(tenant=batch.tenant, batch_id=batch.id, after=after, most=_PAGE):
        for row in page:
            yield row
        after = page[-1][0]
