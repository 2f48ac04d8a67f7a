"""What nobody needs any more goes, a few rows in a transaction: events that were delivered or given up, and keys of old requests.

Reports, answers, evidence, requests and the audit log are never touched: how long they are kept is the law's matter.
"""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from itertools import takewhile

from sqlalchemy import Connection, bindparam, delete, select, tuple_

from verify_service.storage import audit
from verify_service.storage.executor import Executor
from verify_service.storage.tables import idempotency, outbox
from verify_service.storage.webhook_records import DeliveryState
from verify_service.storage.webhook_tables import deliveries

ROWS = 500
_ACTOR = "service"
_o, _d, _k = outbox.c, deliveries.c, idempotency.c
# In the order of the key from where the last turn ended, so that no turn reads what is still wanted again and again.
_EVENTS = (
    select(_o.id, _o.tenant, _o.created_at, _o.routed_at)
    .where(_o.id > bindparam("after"))
    .order_by(_o.id)
    .limit(ROWS)
    .with_for_update(skip_locked=True)
)
_DELIVERIES = select(_d.id, _d.event_id, _d.state, _d.updated_at).with_for_update()
_KEYS = (
    select(_k.tenant, _k.method, _k.route, _k.key)
    .where(_k.created_at < bindparam("before"), _k.status == "done")
    .order_by(_k.created_at)
    .limit(ROWS)
    .with_for_update(skip_locked=True)
)


class Purging:
    """One method per kind of row, each a turn of at most ROWS events or keys in one transaction, counted in the audit log."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    async def events(self, *, after: int, before: datetime, now: datetime) -> int:
        """Look at the next events after event `after`; return the last one that was looked at, or 0 when none is older than `before`.

        Removed are those that were routed and whose every delivery was delivered or given up before that instant.
        """
        return await self._executor.write(partial(_purge_events, after=after, before=before, now=now))

    async def keys(self, *, before: datetime, now: datetime) -> int:
        """Forget Idempotency-Keys of requests that were answered and came before an instant; return how many."""
        return await self._executor.write(partial(_purge_keys, before=before, now=now))


def _purge_events(connection: Connection, *, after: int, before: datetime, now: datetime) -> int:
    rows = connection.execute(_EVENTS, {"after": after}).all()
    old = list(takewhile(lambda row: row.created_at < before, rows))
    routed = {row.id: row.tenant for row in old if row.routed_at is not None}
    made = connection.execute(_DELIVERIES.where(_d.event_id.in_(routed))).all() if routed else []
    wanted = {each.event_id for each in made if each.state == DeliveryState.WAITING or each.updated_at >= before}
    gone = {event: tenant for event, tenant in routed.items() if event not in wanted}
    if gone:
        connection.execute(delete(deliveries).where(_d.event_id.in_(gone)))
        connection.execute(delete(outbox).where(_o.id.in_(gone)))
        _record(connection, "outbox.purged", "outbox", Counter(gone.values()), now)
    return int(old[-1].id) if len(old) == ROWS else 0


def _purge_keys(connection: Connection, *, before: datetime, now: datetime) -> int:
    rows = connection.execute(_KEYS, {"before": before}).all()
    if rows:
        connection.execute(delete(idempotency).where(tuple_(_k.tenant, _k.method, _k.route, _k.key).in_([tuple(row) for row in rows])))
        _record(connection, "idempotency.purged", "idempotency", Counter(row.tenant for row in rows), now)
    return len(rows)


def _record(connection: Connection, action: str, what: str, counts: Mapping[str, int], now: datetime) -> None:
    """Tell each tenant's audit log how many of its rows went."""
    for tenant, count in sorted(counts.items()):
        audit.record(connection, audit.Act(tenant, now, _ACTOR, action, what, {"rows": count}))
