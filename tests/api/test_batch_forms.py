"""The forms of a batch's file over HTTP: taken in, answered in kind, and refused with a reason where the extra is missing."""

import csv
import io
import threading
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from tests.api.house import House, bearer
from verify_service.bulk import arrow, forms
from verify_service.bulk.forms import MEDIA_TYPES
from verify_service.bulk.household import ReadHousehold
from verify_service.bulk.output import workbook
from verify_service.bulk.xlsx_form import XlsxReader
from verify_service.storage.batch_records import FileForm

RULES = [[2, "member.id_number", "gb_11643"]]


@pytest.fixture
def table(repo_root: Path) -> list[list[str]]:
    """Return the example's first four lines, the second household with a wrong number."""
    lines = (repo_root / "examples" / "batch.csv").read_text("utf-8").splitlines()[:4]
    lines[3] = lines[3].replace("990102193404260070", "990102193404260071")
    return list(csv.reader(lines))


def file(form: FileForm, table: list[list[str]]) -> bytes:
    if form == "xlsx":
        return workbook(table)
    header, *lines = table
    sink = io.BytesIO()
    columns = zip(*lines, strict=True)
    pq.write_table(pa.table({name: list(column) for name, column in zip(header, columns, strict=True)}), sink)
    return sink.getvalue()


async def handed_in(house: House, content: bytes, form: FileForm) -> str:
    answer = await house.act("/v1/batches", content, Content_Type=MEDIA_TYPES[form])
    assert answer.status_code == 202, answer.text
    return str(answer.json()["batch_id"])


def read(form: FileForm, content: bytes) -> list[list[object]]:
    """Return the lines after the header."""
    if form == "xlsx":
        return [list(line) for line in CalamineWorkbook.from_filelike(io.BytesIO(content)).get_sheet_by_index(0).to_python()[1:]]
    return [list(row.values()) for row in pq.read_table(io.BytesIO(content)).to_pylist()]


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
async def test_errors_come_in_the_form_of_the_file(house: House, table: list[list[str]], form: FileForm) -> None:
    batch = await handed_in(house, file(form, table), form)
    answer = await house.get(f"/v1/batches/{batch}/errors", accept="*/*")
    assert answer.headers["content-type"] == MEDIA_TYPES[form]
    assert answer.headers["content-disposition"] == f'attachment; filename="errors.{form}"'
    assert [[row, place, rule] for row, _, place, rule in read(form, answer.content)] == RULES


@pytest.mark.parametrize("form", ["xlsx", "parquet"])
async def test_results_come_in_the_form_that_is_asked_for_and_go_on_after_a_row(
    house: House, table: list[list[str]], form: FileForm
) -> None:
    batch = await handed_in(house, file(form, table), form)
    await house.act(f"/v1/batches/{batch}/cancel", b"")
    path = f"/v1/batches/{batch}/results"
    everything = read(form, (await house.get(path, accept=MEDIA_TYPES[form])).content)
    assert [row[0] for row in everything] == [1, 2]
    assert [row[3] for row in everything] == ["cancelled", "rejected"]
    assert read(form, (await house.get(f"{path}?after=1", accept=MEDIA_TYPES[form])).content) == everything[1:]


async def test_workbook_is_read_beside_the_event_loop(house: House, table: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    threads: set[int] = set()
    end = XlsxReader.end

    def watched(reader: XlsxReader) -> Iterator[ReadHousehold]:
        for household in end(reader):
            threads.add(threading.get_ident())
            yield household

    monkeypatch.setattr(XlsxReader, "end", watched)
    await handed_in(house, file("xlsx", table), "xlsx")
    assert threads
    assert threading.get_ident() not in threads


async def test_without_the_extra_parquet_is_refused_by_name(house: House, table: list[list[str]], monkeypatch: pytest.MonkeyPatch) -> None:
    content = file("parquet", table)
    batch = await handed_in(house, file("xlsx", table), "xlsx")
    arrow.arrow.cache_clear()
    for module in (arrow, forms):
        monkeypatch.setattr(module, "is_installed", lambda: False)
    refused = await house.act("/v1/batches", content, Content_Type=MEDIA_TYPES["parquet"])
    assert (refused.status_code, refused.json()["code"]) == (415, "extra-not-installed")
    assert "verify-service[parquet]" in refused.json()["title"]
    assert (await house.get("/v1/batches/templates/parquet")).status_code == 415
    wanted = {"accept": MEDIA_TYPES["parquet"], **bearer("full")}
    assert (await house.http.get(f"/v1/batches/{batch}/errors", headers=wanted)).json()["code"] == "not-acceptable"
