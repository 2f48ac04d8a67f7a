"""SQLite: one writer with group commit. What waits while the disk syncs goes into the next transaction together.

    BEGIN IMMEDIATE │ SAVEPOINT, operation, RELEASE │ SAVEPOINT, operation, RELEASE │ … │ COMMIT (one fsync)

Statements run on the event loop: they take microseconds, and in a thread each of them would wait for the interpreter
lock. Only what may wait for the disk or another process runs in a thread: BEGIN when the lock is taken, and COMMIT.
"""

import asyncio
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection

from verify_service.storage.errors import StoreBusy
from verify_service.storage.executor import Operation, T

_BUSY_MS = 30_000
_MOST_IN_ONE_COMMIT = 64
_MOST_WAITING = 16 * _MOST_IN_ONE_COMMIT  # operations: some 16 commits, less than a second on a disk that is well


def sqlite_engine(url: URL) -> Engine:
    """Return an engine whose every connection keeps a commit through a power cut. Transactions are begun by hand."""
    engine = create_engine(
        url.set(drivername="sqlite+pysqlite"),
        isolation_level="AUTOCOMMIT",
        hide_parameters=True,
        connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000},
    )
    event.listen(engine, "connect", _prepare)
    return engine


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    """WAL: readers do not wait for the writer. FULL: a commit is on the disk before it returns."""
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "journal_size_limit=67108864"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def raw(connection: Connection) -> sqlite3.Connection:
    """Return the driver's connection."""
    driver = connection.connection.driver_connection
    if not isinstance(driver, sqlite3.Connection):
        raise TypeError("not a SQLite connection")
    return driver


@dataclass(slots=True)
class _Job:
    """One write. It may hold the rows of a whole chunk, so nothing in it refers back to it: it goes when it is settled."""

    operation: Operation[Any]
    done: asyncio.Future[Any]
    value: Any = None
    failure: Exception | None = None

    def run(self, connection: Connection) -> None:
        """Run in a savepoint, so that what fails undoes itself alone. The caller is told after the commit."""
        driver = raw(connection)
        driver.execute("SAVEPOINT job")
        try:
            self.value = self.operation(connection)
        except Exception as error:
            if not driver.in_transaction:
                raise  # a full or failing disk: SQLite has undone the whole transaction
            driver.execute("ROLLBACK TO job")
            self.failure = error
        driver.execute("RELEASE job")

    def settle(self) -> None:
        """Return or raise in the caller, if it still waits."""
        if self.done.done():
            return
        if self.failure is None:
            self.done.set_result(self.value)
        else:
            self.done.set_exception(self.failure)


class SqliteExecutor:
    """The one writer of this process, and one connection for reading. Build it inside the running event loop."""

    def __init__(self, url: URL, *, most_waiting: int = _MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._engine = sqlite_engine(url)
        self._writer: Connection | None = None
        self._reader: Connection | None = None
        self._jobs: asyncio.Queue[_Job | None] = asyncio.Queue()
        self._disk = ThreadPoolExecutor(max_workers=1, thread_name_prefix="sqlite-commit")
        self._task: asyncio.Task[None] | None = None

    async def write(self, operation: Operation[T], *, finishing: bool = False) -> T:
        """As Executor.write."""
        if not finishing and self._jobs.qsize() >= self._most_waiting:
            raise StoreBusy
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._work())
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._jobs.put_nowait(_Job(operation, done))
        return await done

    async def read(self, operation: Operation[T]) -> T:
        """As Executor.read."""
        if self._reader is None:
            self._reader = self._engine.connect()
            raw(self._reader).execute("PRAGMA query_only=ON")
        driver = raw(self._reader)
        driver.execute("BEGIN")
        try:
            return operation(self._reader)
        finally:
            driver.execute("ROLLBACK")

    async def close(self) -> None:
        """As Executor.close."""
        if self._task is not None:
            self._jobs.put_nowait(None)
            await self._task
        for connection in (self._reader, self._writer):
            if connection is not None:
                connection.close()
        self._disk.shutdown()
        self._engine.dispose()

    async def _work(self) -> None:
        while await self._commit_together(await self._next()):
            pass  # no name here holds what was written until there is more to write

    async def _next(self) -> list[_Job]:
        """Wait for jobs and return those that go into one commit; none when it is time to close."""
        first = await self._jobs.get()
        if first is None:
            return []
        batch = [first]
        while len(batch) < _MOST_IN_ONE_COMMIT and not self._jobs.empty():
            job = self._jobs.get_nowait()
            if job is None:  # closing: come back to it after this batch
                self._jobs.put_nowait(None)
                break
            batch.append(job)
        return batch

    async def _commit_together(self, batch: list[_Job]) -> bool:
        """Run the jobs in one transaction and tell their callers. False when there are none."""
        if not batch:
            return False
        try:
            connection = self._connect_writer()
            await self._begin(raw(connection))
            for job in batch:
                job.run(connection)
                await asyncio.sleep(0)  # the loop serves others between two operations
            await self._on_disk(raw(connection), "COMMIT")
        except Exception as error:  # noqa: BLE001 - handed to every caller of the batch
            self._discard_writer()
            for job in batch:
                job.failure = error
        for job in batch:
            job.settle()
        return True

    async def _begin(self, driver: sqlite3.Connection) -> None:
        """Take the write lock: at once if it is free, else wait for it in the thread."""
        try:
            driver.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            driver.execute(f"PRAGMA busy_timeout={_BUSY_MS}")
            await self._on_disk(driver, "BEGIN IMMEDIATE")
            driver.execute("PRAGMA busy_timeout=0")

    def _connect_writer(self) -> Connection:
        """Return the writer's connection, which does not wait for the lock on the event loop."""
        if self._writer is None:
            self._writer = self._engine.connect()
            raw(self._writer).execute("PRAGMA busy_timeout=0")
        return self._writer

    async def _on_disk(self, driver: sqlite3.Connection, statement: str) -> None:
        await asyncio.get_running_loop().run_in_executor(self._disk, driver.execute, statement)

    def _discard_writer(self) -> None:
        """Forget the connection: after a failed sync nobody knows what its pages hold. Closing it rolls back."""
        writer, self._writer = self._writer, None
        if writer is not None:
            writer.invalidate()
            writer.close()
