"""Endpoints of webhooks: registered with a secret, listed, disabled and enabled."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, func, insert, select, update

from verify_service.errors import NotFound, WrongState
from verify_service.storage import audit
from verify_service.storage.encryption import FieldCipher, Place
from verify_service.storage.webhook_records import DeliveryState, EndpointState, Rotation, WebhookEndpoint
from verify_service.storage.webhook_tables import deliveries, webhook_endpoints

MOST_ENABLED = 20
_e, _d = webhook_endpoints.c, deliveries.c
_PLAIN = ("id", "tenant", "client_id", "url", "events", "state", "created_at", "failures", "paused_until", "old_secret_until")
_SELECT = select(*(_e[name] for name in _PLAIN)).where(_e.tenant == bindparam("tenant"))
_ALL = _SELECT.order_by(_e.created_at, _e.id)
_ONE = _SELECT.where(_e.id == bindparam("id"))
_COUNT_ENABLED = select(func.count()).where(_e.tenant == bindparam("tenant"), _e.state == EndpointState.ENABLED.value)
_BURY = update(deliveries).where(_d.endpoint_id == bindparam("of_endpoint"), _d.state == DeliveryState.WAITING.value)


def add(connection: Connection, cipher: FieldCipher, endpoint: WebhookEndpoint, secret: bytes) -> None:
    """Keep a new endpoint; its secret only sealed. Raises WrongState when there are as many as a tenant may have."""
    _expect_room(connection, endpoint.tenant)
    row = {name: getattr(endpoint, name) for name in _PLAIN}
    row |= {"events": list(endpoint.events), "state": endpoint.state.value, "sealed_secret": cipher.seal(secret_place(endpoint.id), secret)}
    connection.execute(insert(webhook_endpoints), row)
    act = audit.Act(endpoint.tenant, endpoint.created_at, endpoint.client_id, "webhook.registered", endpoint.id)
    audit.record(connection, act)


def every(connection: Connection, tenant: str) -> Sequence[WebhookEndpoint]:
    """Return a tenant's endpoints, oldest first."""
    return [_read(row) for row in connection.execute(_ALL, {"tenant": tenant})]


def one(connection: Connection, key: Mapping[str, str]) -> WebhookEndpoint:
    """Return an endpoint. Raises NotFound."""
    row = connection.execute(_ONE, key).one_or_none()
    if row is None:
        raise NotFound
    return _read(row)


def switch(connection: Connection, key: Mapping[str, str], *, state: EndpointState, actor: str, now: datetime) -> None:
    """Enable or disable an endpoint; repeating it changes nothing. What waits for a disabled one is dead. Raises NotFound, WrongState."""
    endpoint = one(connection, key)
    if endpoint.state is state:
        return
    if state is EndpointState.ENABLED:
        _expect_room(connection, endpoint.tenant)
    connection.execute(update(webhook_endpoints).where(_e.id == endpoint.id).values(state=state.value, failures=0, paused_until=None))
    if state is not EndpointState.ENABLED:
        bury(connection, endpoint.id, now)
    audit.record(connection, audit.Act(endpoint.tenant, now, actor, f"webhook.{state.value}", endpoint.id))


def rotate(connection: Connection, cipher: FieldCipher, key: Mapping[str, str], *, rotation: Rotation) -> WebhookEndpoint:
    """Sign with another secret from now on; the one of before signs along until an instant, any older one no more. Raises NotFound."""
    endpoint = one(connection, key)
    before = connection.execute(select(_e.sealed_secret).where(_e.id == endpoint.id).with_for_update()).scalar_one()
    values = {
        "sealed_secret": cipher.seal(secret_place(endpoint.id), rotation.secret),
        "sealed_old_secret": cipher.seal(_old_secret_place(endpoint.id), cipher.open(secret_place(endpoint.id), before)),
        "old_secret_until": rotation.old_until,
    }
    connection.execute(update(webhook_endpoints).where(_e.id == endpoint.id).values(**values))
    audit.record(connection, audit.Act(endpoint.tenant, rotation.now, rotation.actor, "webhook.secret_rotated", endpoint.id))
    return replace(endpoint, old_secret_until=rotation.old_until)


def secrets(cipher: FieldCipher, row: Row[*tuple[Any, ...]], now: datetime) -> list[bytes]:
    """Return the secrets that sign at an instant, the newest first."""
    found = [cipher.open(secret_place(row.id), row.sealed_secret)]
    if row.old_secret_until is not None and now < row.old_secret_until:
        found.append(cipher.open(_old_secret_place(row.id), row.sealed_old_secret))
    return found


def bury(connection: Connection, endpoint_id: str, now: datetime) -> None:
    """Let everything that waits for an endpoint be dead."""
    values = {"state": DeliveryState.DEAD.value, "updated_at": now, "last_outcome": "endpoint_disabled"}
    connection.execute(_BURY.values(**values), {"of_endpoint": endpoint_id})


def secret_place(endpoint_id: str) -> Place:
    """Return where an endpoint's secret stands."""
    return Place("webhook_endpoints", "sealed_secret", endpoint_id)


def _old_secret_place(endpoint_id: str) -> Place:
    return Place("webhook_endpoints", "sealed_old_secret", endpoint_id)


def _expect_room(connection: Connection, tenant: str) -> None:
    if connection.execute(_COUNT_ENABLED, {"tenant": tenant}).scalar_one() >= MOST_ENABLED:
        raise WrongState("webhook_endpoints", f"at most {MOST_ENABLED} enabled endpoints; disable one first")


def _read(row: Row[tuple[object, ...]]) -> WebhookEndpoint:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's documented name for a row as a mapping
    return WebhookEndpoint(**{**values, "state": EndpointState(values["state"])})
