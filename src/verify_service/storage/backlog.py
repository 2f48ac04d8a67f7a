"""What waits: tickets of deferred registers, events and their deliveries. For an operator's eyes, over all tenants."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, literal_column, select

from verify_service.storage.tables import outbox, tickets
from verify_service.storage.webhook_deliveries import TRIAL_AFTER
from verify_service.storage.webhook_tables import deliveries
from verify_service.storage.webhook_tables import webhook_endpoints as endpoints

MOST_COUNTED = 10_000
_LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts that stop at MOST_COUNTED. An overdue ticket should have been looked at more than a minute ago."""

    open_tickets: int
    overdue_tickets: int
    waiting_events: int
    waiting_deliveries: int
    dead_deliveries: int
    failing_endpoints: int


# The state is written out, not bound: only then does the planner see that the partial index applies.
_open = select(tickets.c.next_look).where(tickets.c.state == literal_column("'waiting'"))
_overdue = _open.where(tickets.c.next_look < bindparam("late"))
_unrouted = select(outbox.c.id).where(outbox.c.routed_at.is_(None))
_waiting, _dead = (select(deliveries.c.id).where(deliveries.c.state == literal_column(f"'{state}'")) for state in ("waiting", "dead"))
_failing = select(endpoints.c.id).where(endpoints.c.failures >= TRIAL_AFTER)
_COUNTED = (_open, _overdue, _unrouted, _waiting, _dead, _failing)
_COUNTS = tuple(select(func.count()).select_from(rows.limit(MOST_COUNTED).subquery()) for rows in _COUNTED)


def backlog(connection: Connection, now: datetime) -> Backlog:
    """Count what waits."""
    return Backlog(*(connection.execute(count, {"late": now - _LATE}).scalar_one() for count in _COUNTS))
