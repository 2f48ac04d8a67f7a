"""The policy ledger in the database: one row per source, changed under its lock, on the database's clock.

Every process asks the same row, so a block is given while nobody else gives one. The clock is the database's, read after
the lock: the processes' own clocks may be wrong without any effect on the contract.
"""

import sqlite3
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, literal_column, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from verify_service.sources.policy import Isolation, LedgerUnavailable, PolicyLedger
from verify_service.sources.policy.ledger import Ask, Block, Shared, Spent, spend, used
from verify_service.storage.executor import Executor
from verify_service.storage.tables import isolations, quotas

_SPENT = select(quotas.c.spent).where(quotas.c.source == bindparam("of_source")).with_for_update()
_FIRST = {
    "sqlite": sqlite.insert(quotas).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(quotas).on_conflict_do_nothing(),
}
_KEEP = update(quotas).where(quotas.c.source == bindparam("of_source"))
_NOW: dict[str, Select[Any]] = {
    "sqlite": select(literal_column("(julianday('now') - 2440587.5) * 86400.0")),
    "postgresql": select(literal_column("extract(epoch FROM clock_timestamp())::double precision")),
}


def database_now(connection: Connection) -> float:
    """Return the database's clock, in seconds since the epoch."""
    return float(connection.execute(_NOW[connection.dialect.name]).scalar_one())


class DatabaseLedger(PolicyLedger):
    """As PolicyLedger. Except for `take`, methods raise what the driver raises when the database cannot be reached."""

    def __init__(self, executor: Executor, *, now: Callable[[Connection], float] = database_now) -> None:
        self._executor = executor
        self._now = now

    async def take(self, source: str, ask: Ask) -> Block:
        """As PolicyLedger.take."""
        try:
            return await self._executor.write(partial(_take, source=source, ask=ask, now=self._now))
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise LedgerUnavailable from error

    async def look(self) -> Mapping[str, Shared]:
        """As PolicyLedger.look."""
        return await self._executor.read(partial(_look, now=self._now))

    async def isolate(self, source: str, isolation: Isolation) -> None:
        """As PolicyLedger.isolate."""
        await self._executor.write(partial(_isolate, source=source, isolation=isolation))

    async def release(self, source: str) -> None:
        """As PolicyLedger.release."""
        await self._executor.write(partial(_release, source=source))


def _take(connection: Connection, *, source: str, ask: Ask, now: Callable[[Connection], float]) -> Block:
    before = _locked(connection, source)
    after, block = spend(before, ask, now(connection))
    if after != before:
        connection.execute(_KEEP, {"of_source": source, "spent": _as_json(after)})
    return block


def _locked(connection: Connection, source: str) -> Spent:
    """Return what is spent, locked until the transaction ends (on SQLite the one writer needs no lock)."""
    row = connection.execute(_SPENT, {"of_source": source}).first()
    if row is None:
        connection.execute(_FIRST[connection.dialect.name], {"source": source, "spent": _as_json(Spent())})
        row = connection.execute(_SPENT, {"of_source": source}).one()
    return _read(row.spent)


def _look(connection: Connection, *, now: Callable[[Connection], float]) -> Mapping[str, Shared]:
    at = now(connection)
    spent = {row.source: used(_read(row.spent), at) for row in connection.execute(select(quotas))}
    held = {row.source: Isolation(row.reason, row.since) for row in connection.execute(select(isolations))}
    return {source: Shared(held.get(source), *spent.get(source, (0, 0))) for source in spent.keys() | held.keys()}


def _isolate(connection: Connection, *, source: str, isolation: Isolation) -> None:
    _release(connection, source=source)
    connection.execute(insert(isolations), {"source": source, "reason": isolation.reason, "since": isolation.since})


def _release(connection: Connection, *, source: str) -> None:
    connection.execute(delete(isolations).where(isolations.c.source == source))


def _as_json(spent: Spent) -> dict[str, Any]:
    return {"blocks": spent.blocks, "slots": {str(slot): calls for slot, calls in spent.slots.items()}}


def _read(spent: Mapping[str, Any]) -> Spent:
    blocks = tuple((until, calls) for until, calls in spent["blocks"])
    return Spent(blocks, {int(slot): calls for slot, calls in spent["slots"].items()})
