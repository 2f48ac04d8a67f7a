"""Results and errors in every form: the same cells, nothing that runs, names that stay text, and no more memory than a page."""

import csv
import io
from collections.abc import AsyncIterator
from typing import Any

import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from verify_service.bulk import workbook
from verify_service.bulk.forms import MEDIA_TYPES, READERS, template
from verify_service.bulk.results import ERROR_COLUMNS
from verify_service.bulk.streams import errors_as, results_as
from verify_service.storage.batch_records import FileForm, Rejection, ResultRow, RowState

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "=cmd|' /C calc'!A0",
    "123456789012345678",
    "_x0041_",
    "<a&b>\"'",
    "张\N{RIGHT SINGLE QUOTATION MARK}",
)


async def rejections(count: int = 3) -> AsyncIterator[list[Rejection]]:
    for no in range(1, count + 1):
        yield [Rejection(no, no + 1, "member.id_number", "gb_11643")]


async def rows() -> AsyncIterator[list[ResultRow]]:
    yield [ResultRow(i, i, reference, RowState.REJECTED, None, None, None, None, None, jws=None) for i, reference in enumerate(FORMULAS, 1)]


async def whole(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


def sheets(content: bytes) -> list[list[list[Any]]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return [book.get_sheet_by_index(i).to_python() for i in range(len(book.sheet_names))]


async def test_errors_say_the_same_in_every_form() -> None:
    expected = [[no, no + 1, "member.id_number", "gb_11643"] for no in (1, 2, 3)]
    ((header, *lines),) = sheets(await whole(errors_as(MEDIA_TYPES["xlsx"], rejections(), most_rows=3)))
    assert (tuple(header), lines) == (ERROR_COLUMNS, expected)
    table = pq.read_table(io.BytesIO(await whole(errors_as(MEDIA_TYPES["parquet"], rejections(), most_rows=3))))
    assert [list(row.values()) for row in table.to_pylist()] == expected
    text = await whole(errors_as(MEDIA_TYPES["csv"], rejections(), most_rows=3))
    assert list(csv.reader(text.decode().splitlines())) == [list(ERROR_COLUMNS), *([str(cell) for cell in row] for row in expected)]


async def test_cells_are_text_and_nothing_that_runs() -> None:
    content = await whole(results_as(MEDIA_TYPES["xlsx"], rows(), most_rows=len(FORMULAS)))
    ((header, *lines),) = sheets(content)
    assert [line[header.index("client_reference")] for line in lines] == list(FORMULAS)
    assert "jws" not in header
    table = pq.read_table(io.BytesIO(await whole(results_as(MEDIA_TYPES["parquet"], rows(), most_rows=len(FORMULAS)))))
    assert table["client_reference"].to_pylist() == list(FORMULAS)
    assert {str(table.schema.field(name).type) for name in ("row", "version", "counted_persons")} == {"int64"}
    assert str(table.schema.field("jws").type) == "string"


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
async def test_nothing_is_still_a_whole_file(form: FileForm) -> None:
    content = await whole(errors_as(MEDIA_TYPES[form], rejections(0), most_rows=0))
    if form == "xlsx":
        assert sheets(content) == [[list(ERROR_COLUMNS)]]
    else:
        assert pq.read_table(io.BytesIO(content)).num_rows == 0


async def test_sheet_that_is_full_is_followed_by_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "ROWS_OF_SHEET", 4)

    async def pages() -> AsyncIterator[list[list[object]]]:
        for first in range(0, 9, 3):
            yield [[first], [first + 1], [first + 2]]

    found = sheets(await whole(workbook.streamed(["n"], pages(), most_rows=9)))
    assert found == [[["n"], *([float(n)] for n in part)] for part in ([0, 1, 2, 3], [4, 5, 6, 7], [8])]


async def test_pieces_leave_while_rows_come() -> None:
    sizes = [len(piece) async for piece in errors_as(MEDIA_TYPES["xlsx"], rejections(5_000), most_rows=5_000)]
    assert len(sizes) > 5_000
    assert max(sizes) < 100_000


@pytest.mark.parametrize("form", MEDIA_TYPES)
def test_template_is_one_household_in_every_form(form: FileForm) -> None:
    reader = READERS[form]()
    (household,) = [*reader.feed(template(form)), *reader.end()]
    assert household.body is not None
