"""A table as Parquet, a group of rows at a time: numbers are whole numbers, everything else is text, and nothing is a formula."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Any

from verify_service.bulk.arrow import arrow


class _Sink:
    """What the file is written to: it keeps what has not been fetched yet."""

    closed = False

    def __init__(self) -> None:
        self._written: list[bytes] = []
        self._place = 0

    def write(self, data: Any) -> int:
        written = bytes(data)
        self._written.append(written)
        self._place += len(written)
        return len(written)

    def tell(self) -> int:
        return self._place

    def flush(self) -> None:
        """Nothing is held back."""

    def writable(self) -> bool:
        return True

    def readable(self) -> bool:
        return False

    def seekable(self) -> bool:
        return False

    def close(self) -> None:
        """There is nothing to close."""

    def fetch(self) -> bytes:
        written, self._written = b"".join(self._written), []
        return written


async def streamed(
    header: Sequence[str], pages: AsyncIterator[Iterable[Sequence[object]]], *, numbers: Collection[str]
) -> AsyncIterator[bytes]:
    """Yield the file: a row group for each page. `numbers` names the columns that hold whole numbers. Raises ExtraNotInstalled."""
    library, parquet = arrow().library, arrow().parquet
    schema = library.schema([(name, library.int64() if name in numbers else library.string()) for name in header])
    sink = _Sink()
    writer = parquet.ParquetWriter(sink, schema, compression="zstd")
    async for page in pages:
        await asyncio.to_thread(_write, writer, schema, list(page))
        yield sink.fetch()
    writer.close()
    yield sink.fetch()


def whole(header: Sequence[str], rows: Iterable[Sequence[object]]) -> bytes:
    """Return a small file of text, empty cells as nulls. Raises ExtraNotInstalled."""
    library, sink = arrow().library, _Sink()
    schema = library.schema([(name, library.string()) for name in header])
    with arrow().parquet.ParquetWriter(sink, schema) as writer:
        _write(writer, schema, [[cell or None for cell in row] for row in rows])
    return sink.fetch()


def _write(writer: Any, schema: Any, rows: Sequence[Sequence[object]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in schema]
    library = arrow().library
    arrays = [library.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    writer.write_table(library.Table.from_arrays(arrays, schema=schema))
