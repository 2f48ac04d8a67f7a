"""What came of a batch as a stream of bytes, in each form that a caller may ask for."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import TypeVar

from verify_service.bulk import parquet_table, workbook
from verify_service.bulk.forms import MEDIA_TYPES
from verify_service.bulk.output import csv_rows
from verify_service.bulk.results import (
    COLUMNS,
    ERROR_COLUMNS,
    NUMBERS,
    error_cells,
    error_ndjson,
    result_cells,
    result_ndjson,
)
from verify_service.storage.batch_records import Rejection, ResultRow

T = TypeVar("T")
Pages = AsyncIterator[Sequence[T]]
_GROUP_ROWS = 1_000


def results_as(media_type: str, pages: Pages[ResultRow], *, most_rows: int) -> AsyncIterator[bytes]:
    """Return results; a workbook has all columns but the signed report, which is longer than a cell may be."""
    if media_type == MEDIA_TYPES["ndjson"]:
        return _lines(pages, result_ndjson)
    if media_type == MEDIA_TYPES["xlsx"]:
        return workbook.streamed(COLUMNS[:-1], _cells(pages, lambda row: result_cells(row)[:-1]), most_rows=most_rows)
    return _table(media_type, COLUMNS, _cells(pages, result_cells))


def errors_as(media_type: str, pages: Pages[Rejection], *, most_rows: int) -> AsyncIterator[bytes]:
    """Return what is wrong with rejected rows."""
    if media_type == MEDIA_TYPES["ndjson"]:
        return _lines(pages, error_ndjson)
    if media_type == MEDIA_TYPES["xlsx"]:
        return workbook.streamed(ERROR_COLUMNS, _cells(pages, error_cells), most_rows=most_rows)
    return _table(media_type, ERROR_COLUMNS, _cells(pages, error_cells))


def _table(media_type: str, columns: Sequence[str], pages: AsyncIterator[list[list[object]]]) -> AsyncIterator[bytes]:
    if media_type == MEDIA_TYPES["parquet"]:
        return parquet_table.streamed(columns, _grouped(pages), numbers=NUMBERS)
    return _csv(columns, pages)


async def _csv(columns: Sequence[str], pages: AsyncIterator[list[list[object]]]) -> AsyncIterator[bytes]:
    yield csv_rows([columns])
    async for page in pages:
        yield csv_rows(page)


async def _lines(pages: Pages[T], line: Callable[[T], bytes]) -> AsyncIterator[bytes]:
    async for page in pages:
        yield b"".join(map(line, page))


async def _cells(pages: Pages[T], cells: Callable[[T], list[object]]) -> AsyncIterator[list[list[object]]]:
    async for page in pages:
        yield [cells(row) for row in page]


async def _grouped(pages: AsyncIterator[Iterable[list[object]]]) -> AsyncIterator[list[list[object]]]:
    """Yield pages joined to row groups that are worth compressing."""
    group: list[list[object]] = []
    async for page in pages:
        group += page
        if len(group) >= _GROUP_ROWS:
            yield group
            group = []
    if group:
        yield group
