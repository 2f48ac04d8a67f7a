"""What waits: tickets of deferred registers, and events to be delivered. For an operator's eyes, over all tenants."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, literal_column, select

from verify_service.storage.tables import outbox, tickets

MOST_COUNTED = 10_000
_LATE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Backlog:
    """Counts that stop at MOST_COUNTED. An overdue ticket should have been looked at more than a minute ago."""

    open_tickets: int
    overdue_tickets: int
    waiting_events: int


# The state is written out, not bound: only then does the planner see that the partial index applies.
_open = select(tickets.c.next_look).where(tickets.c.state == literal_column("'waiting'"))
_overdue = _open.where(tickets.c.next_look < bindparam("late"))
_undelivered = select(outbox.c.id).where(outbox.c.delivered_at.is_(None))
_COUNTS = tuple(select(func.count()).select_from(rows.limit(MOST_COUNTED).subquery()) for rows in (_open, _overdue, _undelivered))


def backlog(connection: Connection, now: datetime) -> Backlog:
    """Count what waits."""
    return Backlog(*(connection.execute(count, {"late": now - _LATE}).scalar_one() for count in _COUNTS))
