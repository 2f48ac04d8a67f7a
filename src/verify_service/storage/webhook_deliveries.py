"""Deliveries: events routed to endpoints, taken in fair turns, settled by attempt, listed, and set to be tried again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from sqlalchemy import Connection, Row, bindparam, exists, insert, literal_column, or_, select, update

from verify_service.errors import NotFound, WrongState
from verify_service.storage import audit, webhook_endpoints
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.tables import outbox, reports
from verify_service.storage.webhook_records import Delivery, DeliveryClaim, DeliveryState, EndpointState, Settlement
from verify_service.storage.webhook_tables import deliveries
from verify_service.storage.webhook_tables import webhook_endpoints as endpoints

_Row = Row[*tuple[Any, ...]]
ROUTED_AT_ONCE, _ENDPOINTS_AT_ONCE, _OF_ENDPOINT = 500, 8, 4
TRIAL_AFTER = 5  # failures in a row, after which an endpoint is tried with one delivery at a time
_o, _e, _d, _p = outbox.c, endpoints.c, deliveries.c, reports.c
# States are written out, not bound: only then does the planner see that the partial indexes apply.
_WAITING = _d.state == literal_column("'waiting'")
_UNROUTED = select(_o.id, _o.tenant, _o.kind, _o.created_at).where(_o.routed_at.is_(None)).order_by(_o.id)
_IS_DUE = exists().where(_d.endpoint_id == _e.id, _WAITING, _d.due_at <= bindparam("now"))
_DUE_ENDPOINTS = (
    select(_e.id, _e.url, _e.sealed_secret, _e.sealed_old_secret, _e.old_secret_until, _e.failures)
    .where(_e.state == EndpointState.ENABLED.value, or_(_e.paused_until.is_(None), _e.paused_until <= bindparam("now")), _IS_DUE)
    .order_by(_e.tried_at.is_not(None), _e.tried_at)
    .limit(_ENDPOINTS_AT_ONCE)
)
_DUE = (
    select(_d.id, _d.attempts, _o.kind, _o.created_at, _o.verification_id, _o.report_id, _o.reason, _o.data, _p.version, _p.state)
    .join(outbox, _o.id == _d.event_id)
    .join(reports, _p.id == _o.report_id, isouter=True)
    .where(_d.endpoint_id == bindparam("of_endpoint"), _WAITING, _d.due_at <= bindparam("now"))
    .order_by(_d.due_at, _d.event_id)
    .limit(bindparam("most"))
)
_PAGE = (
    select(_d.id, _d.event_id, _o.kind, _d.state, _d.attempts, _d.due_at, _d.last_outcome, _d.updated_at)
    .join(outbox, _o.id == _d.event_id)
    .where(_d.tenant == bindparam("tenant"), _d.endpoint_id == bindparam("id"), _d.event_id > bindparam("after"))
    .order_by(_d.event_id)
    .limit(bindparam("most"))
)


def is_due(connection: Connection, now: datetime) -> bool:
    """Say whether there is an event to route or a delivery to make."""
    unrouted = connection.execute(_UNROUTED.limit(1)).first()
    return unrouted is not None or connection.execute(_DUE_ENDPOINTS, {"now": now}).first() is not None


def route(connection: Connection, now: datetime) -> int:
    """Make a delivery of each of the next events for each endpoint that wants its kind and was there before; return how many events."""
    events = connection.execute(_UNROUTED.limit(ROUTED_AT_ONCE).with_for_update(skip_locked=True)).all()
    wanting = _wanting(connection, {event.tenant for event in events})
    rows = [
        _delivery(event, endpoint.id, now)
        for event in events
        for endpoint in wanting.get(event.tenant, ())
        if event.kind in endpoint.events and endpoint.created_at <= event.created_at
    ]
    if rows:
        connection.execute(insert(deliveries), rows)
    if events:
        connection.execute(update(outbox).where(_o.id.in_([event.id for event in events])).values(routed_at=now))
    return len(events)


def _wanting(connection: Connection, tenants: Collection[str]) -> Mapping[str, Sequence[_Row]]:
    """Return the enabled endpoints of some tenants."""
    found: dict[str, list[_Row]] = {}
    wanted = select(_e.tenant, _e.id, _e.events, _e.created_at).where(_e.tenant.in_(tenants), _e.state == EndpointState.ENABLED.value)
    for row in connection.execute(wanted):
        found.setdefault(row.tenant, []).append(row)
    return found


def _delivery(event: _Row, endpoint_id: str, now: datetime) -> dict[str, Any]:
    """Return the row; its id follows from what it delivers, so that a receiver sees the same one whatever happens here."""
    return {
        "id": str(uuid5(UUID(endpoint_id), str(event.id))),
        "tenant": event.tenant,
        "endpoint_id": endpoint_id,
        "event_id": event.id,
        "state": DeliveryState.WAITING.value,
        "attempts": 0,
        "due_at": now,
        "last_outcome": None,
        "updated_at": now,
    }


def claim(connection: Connection, cipher: FieldCipher, *, now: datetime, until: datetime, busy: Collection[str]) -> Sequence[DeliveryClaim]:
    """Take due deliveries until an instant, a few of each endpoint; none of those that are `busy` here."""
    due = _DUE_ENDPOINTS.where(_e.id.not_in(busy)).with_for_update(of=endpoints, skip_locked=True)
    claims: list[DeliveryClaim] = []
    for endpoint in connection.execute(due, {"now": now}).all():
        claims += _claim_of(connection, cipher, endpoint, now, until)
    return claims


def _claim_of(connection: Connection, cipher: FieldCipher, endpoint: _Row, now: datetime, until: datetime) -> list[DeliveryClaim]:
    """Take a few deliveries of one endpoint; of one that has failed again and again a single one, and nobody else tries meanwhile."""
    on_trial = endpoint.failures >= TRIAL_AFTER
    found = connection.execute(_DUE, {"of_endpoint": endpoint.id, "now": now, "most": 1 if on_trial else _OF_ENDPOINT}).all()
    taken = update(deliveries).where(_d.id.in_([row.id for row in found]))
    connection.execute(taken.values(attempts=_d.attempts + 1, due_at=until, updated_at=now))
    tried = update(endpoints).where(_e.id == endpoint.id)
    connection.execute(tried.values(tried_at=now, paused_until=until if on_trial else None))
    secrets = webhook_endpoints.secrets(cipher, endpoint, now)
    return [
        DeliveryClaim(
            row.id, endpoint.id, endpoint.url, secrets, row.attempts + 1, endpoint.failures, row.kind, row.created_at, _facts(row)
        )
        for row in found
    ]


def _facts(row: _Row) -> dict[str, Any]:
    """Return what an event says: the ids, and what can no longer change of what it tells of."""
    named = {name: getattr(row, name) for name in ("verification_id", "report_id", "version", "state", "reason")}
    return {**{name: value for name, value in named.items() if value is not None}, **(row.data or {})}


def settle(connection: Connection, taken: DeliveryClaim, settled: Settlement) -> None:
    """Write what came of an attempt, unless another has been made since; count it for the endpoint."""
    mine = (_d.id == taken.id, _WAITING, _d.attempts == taken.attempts)
    values = {"state": settled.state.value, "due_at": settled.due_at, "last_outcome": settled.outcome, "updated_at": settled.now}
    connection.execute(update(deliveries).where(*mine).values(**values))
    endpoint = update(endpoints).where(_e.id == taken.endpoint_id)
    if not settled.failures:
        connection.execute(endpoint.values(failures=0, paused_until=None))
        return
    connection.execute(endpoint.values(failures=_e.failures + 1, paused_until=settled.paused_until))
    if settled.is_gone:
        _let_go(connection, taken.endpoint_id, settled.now)


def _let_go(connection: Connection, endpoint_id: str, now: datetime) -> None:
    """Send nothing more to an endpoint that says it is gone."""
    tenant = connection.execute(select(_e.tenant).where(_e.id == endpoint_id)).scalar_one()
    key = {"tenant": tenant, "id": endpoint_id}
    webhook_endpoints.switch(connection, key, state=EndpointState.GONE, actor="service", now=now)


def page(connection: Connection, key: Mapping[str, str], *, state: DeliveryState | None, after: int, most: int) -> Sequence[Delivery]:
    """Return an endpoint's deliveries after a number, oldest first. Raises NotFound."""
    webhook_endpoints.one(connection, key)
    wanted = _PAGE if state is None else _PAGE.where(_d.state == literal_column(f"'{state.value}'"))
    rows = connection.execute(wanted, {**key, "after": after, "most": most})
    return [Delivery(r.id, r.event_id, r.kind, DeliveryState(r.state), r.attempts, r.due_at, r.last_outcome, r.updated_at) for r in rows]


def redeliver(connection: Connection, key: Mapping[str, str], *, delivery_id: str | None, actor: str, now: datetime) -> int:
    """Try one delivery again, or every dead one; return how many. Raises NotFound, WrongState when the endpoint is not enabled."""
    endpoint = webhook_endpoints.one(connection, key)
    if endpoint.state is not EndpointState.ENABLED:
        raise WrongState("endpoint_state", f"the endpoint is {endpoint.state}")
    mine = update(deliveries).where(_d.endpoint_id == endpoint.id)
    chosen = mine.where(_d.state == literal_column("'dead'")) if delivery_id is None else mine.where(_d.id == delivery_id)
    values = {"state": DeliveryState.WAITING.value, "attempts": 0, "due_at": now, "updated_at": now}
    count = connection.execute(chosen.values(**values)).rowcount
    if delivery_id is not None and count == 0:
        raise NotFound
    detail = {"deliveries": count} if delivery_id is None else {"delivery": delivery_id}
    audit.record(connection, audit.Act(endpoint.tenant, now, actor, "webhook.redelivered", endpoint.id, detail))
    return count
