"""Statements that every verification runs: SQLAlchemy writes their SQL once, then the driver runs it alone.

Building, caching and wrapping a statement costs SQLAlchemy more than SQLite needs to run it. The column types' own
conversions are kept, and both engines get the same statement in their own words.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import BindParameter, Connection, Dialect, Executable
from sqlalchemy.engine.interfaces import DBAPICursor

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in a driver's words, what each parameter goes through, and those that stand in the statement itself."""

    sql: str
    conversions: Sequence[tuple[str, Convert | None]]
    constants: Mapping[str, Any]
    positional: bool

    def parameters(self, values: Mapping[str, Any]) -> Any:
        """Return the parameters as the driver takes them. Raises KeyError for a missing one."""
        given = {**self.constants, **values}
        if self.positional:
            return [given[name] if convert is None else convert(given[name]) for name, convert in self.conversions]
        return {name: given[name] if convert is None else convert(given[name]) for name, convert in self.conversions}


@dataclass(slots=True)
class HotStatement:
    """An INSERT, UPDATE or DELETE that returns nothing; by engine where the engines' words differ."""

    statement: Executable | Mapping[str, Executable]
    _compiled: dict[tuple[str, ...], _Compiled] = field(default_factory=dict, repr=False)

    def run(self, connection: Connection, values: Mapping[str, Any]) -> int:
        """Run it with these values and return how many rows it changed. Raises the driver's errors."""
        compiled = self._for(connection.dialect, values)
        cursor: DBAPICursor = connection.connection.cursor()
        try:
            cursor.execute(compiled.sql, compiled.parameters(values))
            return cursor.rowcount
        finally:
            cursor.close()

    def run_many(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it once for each row, all with the same columns, and return how many rows it changed. Raises the driver's errors."""
        if not rows:
            return 0
        compiled = self._for(connection.dialect, rows[0])
        cursor: DBAPICursor = connection.connection.cursor()
        try:
            cursor.executemany(compiled.sql, [compiled.parameters(row) for row in rows])
            return cursor.rowcount
        finally:
            cursor.close()

    def _for(self, dialect: Dialect, values: Mapping[str, Any]) -> _Compiled:
        """Compile for the engine and the columns that are given: another set of them is another statement."""
        key = (dialect.name, *values)
        found = self._compiled.get(key)
        if found is None:
            statement = self.statement[dialect.name] if isinstance(self.statement, Mapping) else self.statement
            found = self._compiled[key] = _compile(statement, dialect, list(values))
        return found


def _compile(statement: Executable, dialect: Dialect, columns: list[str]) -> _Compiled:
    compiled = statement.compile(dialect=dialect, column_keys=columns)  # type: ignore[attr-defined]
    binds: dict[str, BindParameter[Any]] = {name: bind for bind, name in compiled.bind_names.items()}
    names = compiled.positiontup if compiled.positional else list(binds)
    constants = {name: bind.value for name, bind in binds.items() if not bind.required}
    return _Compiled(str(compiled), [(name, _conversion(binds[name], dialect)) for name in names], constants, compiled.positional)


def _conversion(bind: BindParameter[Any], dialect: Dialect) -> Convert | None:
    convert: Convert | None = bind.type.dialect_impl(dialect).bind_processor(dialect)
    return convert
