"""Who asks about whom: while a chunk is in work its people are its own, and no other chunk asks about them for the same client.

A claim holds as long as its chunk is in work, or waits for tickets it has handed in; there is no lease to renew. That of a
chunk which is done, cancelled or put back is nothing, and is taken over by the next one that asks.
"""

from collections.abc import Collection

from sqlalchemy import Connection, and_, bindparam, delete, or_, select
from sqlalchemy.dialects import postgresql, sqlite

from verify_service.storage.batch_records import BatchState, ChunkState, ChunkWork
from verify_service.storage.batch_tables import batch_chunks, batch_claims, batches
from verify_service.storage.hot import HotStatement
from verify_service.storage.tables import clients

_m, _c, _b = batch_claims.c, batch_chunks.c, batches.c
_KEY = ("tenant", "client_id", "blind_index", "purpose")
_WAITS_FOR_TICKETS = and_(_c.state == ChunkState.STAGED.value, _c.begun_at.is_not(None), _b.state == BatchState.RUNNING.value)
_HELD = (
    select(_m.blind_index, _m.purpose)
    .join(batch_chunks, and_(_c.batch_id == _m.batch_id, _c.no == _m.chunk_no))
    .join(batches, _b.id == _m.batch_id)
    .where(
        _m.tenant == bindparam("of_tenant"),
        _m.client_id == bindparam("of_client"),
        _m.blind_index.in_(bindparam("blinds", expanding=True)),
        or_(_m.batch_id != bindparam("own_batch"), _m.chunk_no != bindparam("own_no")),
        or_(_c.state.in_([ChunkState.QUEUED.value, ChunkState.RUNNING.value]), _WAITS_FOR_TICKETS),
    )
)
_TAKE = HotStatement(
    {
        engine: (made := words.insert(batch_claims)).on_conflict_do_update(
            index_elements=list(_KEY), set_={name: made.excluded[name] for name in ("batch_id", "chunk_no")}
        )
        for engine, words in (("sqlite", sqlite), ("postgresql", postgresql))
    }
)
# One at a time for a client, so that nobody claims between another's look and its claim; who only refers to the client goes on.
_IN_TURN = select(clients.c.id).where(clients.c.id == bindparam("of_client")).with_for_update(key_share=True)


def claim(connection: Connection, work: ChunkWork, people: Collection[tuple[str, str]]) -> bool:
    """Claim people, as (blind index, purpose), for a chunk: all, or none when another chunk has one of them; say whether it has them."""
    mine = {"of_tenant": work.tenant, "of_client": work.client_id, "own_batch": work.key.batch_id, "own_no": work.key.no}
    connection.execute(_IN_TURN, mine)
    held = connection.execute(_HELD, {**mine, "blinds": sorted({blind for blind, _ in people})})
    if not {tuple(row) for row in held}.isdisjoint(people):
        return False
    chunk = {"tenant": work.tenant, "client_id": work.client_id, "batch_id": work.key.batch_id, "chunk_no": work.key.no}
    _TAKE.run_many(connection, [{**chunk, "blind_index": blind, "purpose": purpose} for blind, purpose in sorted(people)])
    return True


def release(connection: Connection, batch_id: str, chunk_no: int | None = None) -> None:
    """Forget the claims of a chunk, or of a whole batch."""
    of_batch = delete(batch_claims).where(_m.batch_id == batch_id)
    connection.execute(of_batch if chunk_no is None else of_batch.where(_m.chunk_no == chunk_no))
