"""Stage an upload piece by piece, and accept it: its count and digest, its Idempotency-Key and its audit row in one transaction."""

import zlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, insert, literal, select, update

from verify_service.errors import IdempotencyMismatch
from verify_service.storage import accepting, audit
from verify_service.storage.batch_records import BatchState, ChunkState, ChunkTask, NewBatch, RowState, Staged, Upload
from verify_service.storage.batch_tables import batch_chunks, batch_exchanges, batch_rejections, batch_rows, batch_tickets, batches
from verify_service.storage.encryption import FieldCipher, Place
from verify_service.storage.many import ManyRows
from verify_service.storage.records import Replay, Response

REPEATED_REFERENCE = "repeated_reference"
_r = batch_rows.c
_INSERT_BATCH, _INSERT_CHUNK = insert(batches), insert(batch_chunks)
_ROWS, _REJECTIONS = ManyRows(batch_rows), ManyRows(batch_rejections)
_COUNTS = {"rows_in": 0, "final": 0, "partial": 0, "rejected": 0, "cancelled": 0, "size_bytes": 0}
_BATCH = _r.batch_id == bindparam("of_batch")
_REPEATED = select(_r.reference).where(_BATCH, _r.reference.is_not(None)).group_by(_r.reference).having(func.count() > 1)
_IS_REPEATED = (_BATCH, _r.state == RowState.STAGED.value, _r.reference.in_(_REPEATED))
_TELL_REPEATED = insert(batch_rejections).from_select(
    ["batch_id", "no", "ordinal", "tenant", "line", "place", "rule"],
    select(_r.batch_id, _r.no, literal(0), _r.tenant, _r.line, literal("client_reference"), literal(REPEATED_REFERENCE)).where(
        *_IS_REPEATED
    ),
)
_REJECT_REPEATED = update(batch_rows).where(*_IS_REPEATED).values(state=RowState.REJECTED.value)
_COUNT_REJECTED = select(func.count()).select_from(batch_rows).where(_BATCH, _r.state == RowState.REJECTED.value)
_ACCEPT = update(batches).where(batches.c.id == bindparam("of_batch"), batches.c.state == BatchState.RECEIVING.value)
_ABANDONED = select(batches.c.id).where(batches.c.state == BatchState.RECEIVING.value, batches.c.created_at < bindparam("before"))
_OF_BATCH = (batch_tickets, batch_exchanges, batch_rejections, batch_rows, batch_chunks)


def open_batch(connection: Connection, batch: NewBatch) -> None:
    """Begin an upload. Nobody sees the batch until it is accepted."""
    row = {name: getattr(batch, name) for name in ("id", "tenant", "client_id", "form", "created_at", "deadline_at")}
    connection.execute(_INSERT_BATCH, {**row, **_COUNTS, "state": BatchState.RECEIVING.value})


def stage(connection: Connection, cipher: FieldCipher, batch: NewBatch, staged: Staged) -> None:
    """Write some rows of the upload: the good ones as a chunk, of the bad ones what is wrong."""
    if staged.rows:
        connection.execute(_INSERT_CHUNK, _chunk(cipher, batch, staged))
    _ROWS.add(connection, [*_good(batch, staged), *_bad(batch, staged)])
    _REJECTIONS.add(connection, _told(batch, staged))


def accept(connection: Connection, cipher: FieldCipher, upload: Upload, response: Response) -> Replay | None:
    """Accept the upload, or give the response that its key has already. Raises IdempotencyMismatch."""
    replay = None if upload.idempotency_key is None else _claim(connection, cipher, upload, upload.idempotency_key, response)
    if replay is not None:
        return replay
    values = {"encoding": upload.encoding, "digest": upload.digest, "size_bytes": upload.size_bytes, "rows_in": upload.rows_in}
    state = {"state": BatchState.RUNNING.value, "started_at": upload.now, "rejected": settle_references(connection, upload.batch_id)}
    connection.execute(_ACCEPT.values(**values, **state), {"of_batch": upload.batch_id})
    detail = {"rows_in": upload.rows_in, "digest": upload.digest}
    audit.record(connection, audit.Act(upload.tenant, upload.now, upload.client_id, "batch.accepted", upload.batch_id, detail))
    return None


def _claim(connection: Connection, cipher: FieldCipher, upload: Upload, key: str, response: Response) -> Replay | None:
    """Claim the key for this upload, or return the response it has. Raises IdempotencyMismatch."""
    place = accepting.key_place(cipher, tenant=upload.tenant, method="POST", route=upload.route, key=key)
    row = {
        **place,
        "fingerprint": cipher.blind(upload.tenant, upload.fingerprint),
        "verification_id": upload.batch_id,
        "status": "done",
        "created_at": upload.now,
        "response_status": response.status,
        "response_headers": dict(response.headers),
        "sealed_response_body": cipher.seal(_body_place(upload.batch_id), response.body),
    }
    if accepting.CLAIM_KEY.run(connection, row):
        return None
    kept = connection.execute(accepting.FIND_KEY, place).one()
    if kept.fingerprint != row["fingerprint"]:
        raise IdempotencyMismatch
    return Replay(kept.response_status, kept.response_headers, cipher.open(_body_place(kept.verification_id), kept.sealed_response_body))


def _body_place(batch_id: str) -> Place:
    return Place("idempotency", "sealed_response_body", batch_id)


def settle_references(connection: Connection, batch_id: str) -> int:
    """Reject every row whose reference comes again, since nobody can say which one is meant; return how many rows are rejected."""
    key = {"of_batch": batch_id}
    connection.execute(_TELL_REPEATED, key)
    connection.execute(_REJECT_REPEATED, key)
    return int(connection.execute(_COUNT_REJECTED, key).scalar_one())


def discard(connection: Connection, batch_id: str) -> None:
    """Forget an upload that was not accepted."""
    for table in _OF_BATCH:
        connection.execute(delete(table).where(table.c.batch_id == batch_id))
    connection.execute(delete(batches).where(batches.c.id == batch_id, batches.c.state == BatchState.RECEIVING.value))


def abandoned(connection: Connection, before: Any) -> list[str]:
    """Return uploads that began before an instant and were never accepted: their process is gone."""
    return list(connection.execute(_ABANDONED, {"before": before}).scalars())


def open_requests(cipher: FieldCipher, batch_id: str, no: int, sealed: bytes) -> list[bytes]:
    """Return the requests of a chunk, in the order of its rows."""
    return zlib.decompress(cipher.open(requests_place(batch_id, no), sealed)).split(b"\n")


def requests_place(batch_id: str, no: int) -> Place:
    """Return where a chunk's requests stand."""
    return Place("batch_chunks", "sealed_requests", batch_id, str(no))


def _chunk(cipher: FieldCipher, batch: NewBatch, staged: Staged) -> dict[str, Any]:
    packed = zlib.compress(b"\n".join(row.request for row in staged.rows), 1)
    return {
        "batch_id": batch.id,
        "no": staged.chunk_no,
        "tenant": batch.tenant,
        "state": ChunkState.STAGED.value,
        "task": ChunkTask.VERIFY.value,
        "attempt": 0,
        "fence": 0,
        "first_row": staged.rows[0].no,
        "last_row": staged.rows[-1].no,
        **dict.fromkeys(("final", "partial", "rejected", "cancelled"), 0),
        "outcomes": {},
        "sealed_requests": cipher.seal(requests_place(batch.id, staged.chunk_no), packed),
    }


def _good(batch: NewBatch, staged: Staged) -> Iterable[dict[str, Any]]:
    for row in staged.rows:
        yield {
            "batch_id": batch.id,
            "no": row.no,
            "tenant": batch.tenant,
            "line": row.line,
            "reference": row.reference,
            "chunk_no": staged.chunk_no,
            "state": RowState.STAGED.value,
            "verification_id": row.verification_id,
        }


def _bad(batch: NewBatch, staged: Staged) -> Iterable[dict[str, Any]]:
    first = {rejection.no: rejection for rejection in reversed(staged.rejections)}
    for number, rejection in sorted(first.items()):
        yield {
            "batch_id": batch.id,
            "no": number,
            "tenant": batch.tenant,
            "line": rejection.line,
            "reference": None,
            "chunk_no": None,
            "state": RowState.REJECTED.value,
            "verification_id": None,
        }


def _told(batch: NewBatch, staged: Staged) -> list[dict[str, Any]]:
    ordinals: dict[int, int] = {}
    told = []
    for rejection in staged.rejections:
        ordinal = ordinals[rejection.no] = ordinals.get(rejection.no, -1) + 1
        place = {"no": rejection.no, "ordinal": ordinal, "line": rejection.line, "place": rejection.place, "rule": rejection.rule}
        told.append({"batch_id": batch.id, "tenant": batch.tenant, **place})
    return told
