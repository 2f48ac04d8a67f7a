"""Many rows into a table with one statement, however many they are: COPY on PostgreSQL, a statement prepared once on SQLite.

What COPY is given is binary, and PostgreSQL casts none of it: the columns' types are told to the driver.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from psycopg import AsyncConnection
from psycopg.sql import SQL, Identifier
from sqlalchemy import BigInteger, Connection, Dialect, Integer, LargeBinary, Table, Text, insert
from sqlalchemy.types import TypeEngine

from verify_service.storage.columns import Instant, Json
from verify_service.storage.hot import HotStatement

_TYPES: Mapping[type[TypeEngine[Any]], str] = {
    Text: "text",
    Json: "text",
    Integer: "int4",
    BigInteger: "int8",
    LargeBinary: "bytea",
    Instant: "timestamptz",
}


class ManyRows:
    """Adds rows to a table that nobody else adds: a row that is there already is an error."""

    def __init__(self, table: Table) -> None:
        self._table = table
        self._insert = HotStatement(insert(table).inline())

    def add(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add them; all have the same columns. Raises the driver's errors, KeyError for a missing value."""
        if rows and connection.dialect.name == "postgresql":
            names = list(rows[0])
            values = self._values(connection.dialect, names, rows)
            connection.connection.dbapi_connection.run_async(lambda driver: self._copy(driver, names, values))  # type: ignore[union-attr]
        else:
            self._insert.run_many(connection, rows)

    def _values(self, dialect: Dialect, names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> list[list[Any]]:
        """Return the rows as the driver takes them."""
        columns = [(name, self._table.c[name].type) for name in names]
        converted = [(name, kind.bind_processor(dialect)) if isinstance(kind, Json | Instant) else (name, None) for name, kind in columns]
        return [[row[name] if convert is None else convert(row[name]) for name, convert in converted] for row in rows]

    async def _copy(self, driver: AsyncConnection[Any], names: Sequence[str], values: Iterable[Sequence[Any]]) -> None:
        columns = SQL(", ").join(map(Identifier, names))
        statement = SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(Identifier(self._table.name), columns)
        async with driver.cursor() as cursor, cursor.copy(statement) as copy:
            copy.set_types([_TYPES[type(self._table.c[name].type)] for name in names])
            for row in values:
                await copy.write_row(row)
