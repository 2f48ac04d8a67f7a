"""The tables of webhooks.

    webhook_endpoints 1─n deliveries n─1 outbox

An event of the outbox is routed once: it gets a delivery for each endpoint that wants its kind. A delivery is due at an
instant; who takes it sets that instant later and counts the attempt, so that a process that dies lets go of it by itself.
"""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, Table, Text, text

from verify_service.storage.columns import Instant, Json
from verify_service.storage.tables import metadata

webhook_endpoints = Table(
    "webhook_endpoints",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False, index=True),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    Column("url", Text, nullable=False),
    Column("events", Json, nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("state", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("failures", Integer, nullable=False),  # in a row
    Column("paused_until", Instant),
    Column("tried_at", Instant),
    Column("sealed_old_secret", LargeBinary),  # of before the last rotation
    Column("old_secret_until", Instant),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("endpoint_id", Text, ForeignKey("webhook_endpoints.id"), nullable=False),
    Column("event_id", BigInteger, ForeignKey("outbox.id"), nullable=False, index=True),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("last_outcome", Text),
    Column("updated_at", Instant, nullable=False),
)
_WAITING, _DEAD = text("state = 'waiting'"), text("state = 'dead'")
Index("ix_deliveries_due", deliveries.c.endpoint_id, deliveries.c.due_at, sqlite_where=_WAITING, postgresql_where=_WAITING)
Index("ix_deliveries_dead", deliveries.c.endpoint_id, deliveries.c.event_id, sqlite_where=_DEAD, postgresql_where=_DEAD)
Index("ix_deliveries_of_endpoint", deliveries.c.endpoint_id, deliveries.c.event_id)
