"""Workbooks: the same households as in CSV, and a clear answer to each thing that a spreadsheet can do to a table."""

import csv
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from verify_service.bulk.csv_form import CsvReader
from verify_service.bulk.household import ReadHousehold
from verify_service.bulk.output import workbook
from verify_service.bulk.xlsx_form import XlsxReader
from verify_service.errors import InvalidInput


@pytest.fixture
def cells(repo_root: Path) -> list[list[str]]:
    return list(csv.reader((repo_root / "examples" / "batch.csv").read_text("utf-8").splitlines()))


def read(content: bytes) -> list[ReadHousehold]:
    reader = XlsxReader()
    return [*reader.feed(content), *reader.end()]


def written(cells: list[list[str]], edit: Callable[[Any, dict[str, int]], object]) -> bytes:
    """Return the table as a workbook that was edited by somebody."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate(cells):
            for column, cell in enumerate(row):
                sheet.write_string(line, column, cell)
        edit(sheet, {name: i for i, name in enumerate(cells[0])})
    return content.getvalue()


def test_same_households_as_in_csv(cells: list[list[str]], repo_root: Path) -> None:
    reader = CsvReader()
    content = (repo_root / "examples" / "batch.csv").read_bytes()
    expected = [*reader.feed(content), *reader.end()]
    assert [(each.line, each.body) for each in read(workbook(cells))] == [(each.line, each.body) for each in expected]


def test_numbers_dates_and_truths_are_read_as_they_are_meant(cells: list[list[str]]) -> None:
    def edit(sheet: Any, columns: dict[str, int]) -> None:
        sheet.write_number(3, columns["household.declared_assets.vehicles"], int(cells[3][columns["household.declared_assets.vehicles"]]))
        sheet.write_boolean(3, columns["consent.covers_monitoring"], 1)

    assert read(written(cells, edit))[1].body == read(workbook(cells))[1].body


def test_identity_number_as_a_number_has_lost_its_digits(cells: list[list[str]]) -> None:
    households = read(written(cells, lambda sheet, columns: sheet.write_number(3, columns["member.id_number"], 990102193404260070)))
    assert [(b.line, b.place, b.rule) for each in households for b in each.broken] == [(4, "member.id_number", "scientific_notation")]


def formula(sheet: Any, columns: dict[str, int]) -> None:
    sheet.write_formula(3, columns["member.name"], "=A1", None, "x")


def merged(sheet: Any, columns: dict[str, int]) -> None:
    sheet.merge_range(1, columns["purpose"], 2, columns["purpose"], "01")


def far_outside(sheet: Any, columns: dict[str, int]) -> None:
    sheet.write_string(len(columns), 16_383, "x")


def other_header(sheet: Any, columns: dict[str, int]) -> None:
    sheet.write_string(0, columns["purpose"], "aim")


@pytest.mark.parametrize(
    ("edit", "rule"),
    [(formula, "formula_cells"), (merged, "merged_cells"), (far_outside, "too_many_columns"), (other_header, "unknown_column")],
)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_sheet_that_is_no_table_is_refused(cells: list[list[str]], edit: Callable[[Any, dict[str, int]], object], rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(written(cells, edit))
    assert rule in {violation.rule for violation in refused.value.violations}


def test_cell_beside_the_table_is_told_and_not_dropped(cells: list[list[str]]) -> None:
    households = read(written(cells, lambda sheet, columns: sheet.write_string(3, len(columns), "note")))
    assert [(b.line, b.rule) for each in households for b in each.broken] == [(4, "cells")]


def bomb() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", b" " * 190_000_000)
    return content.getvalue()


def many_files() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for i in range(1_001):
            archive.writestr(f"{i}", b"")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        pytest.param(lambda: b"client_reference,purpose\n", "xlsx", id="CSV under another name"),
        pytest.param(lambda: workbook([["a"]])[:-100], "xlsx", id="cut"),
        pytest.param(lambda: workbook([]), "empty_file", id="empty sheet"),
        pytest.param(bomb, "unpacked_size", id="zip bomb"),
        pytest.param(many_files, "unpacked_size", id="a thousand files"),
        pytest.param(lambda: b"x" * 20_000_001, "file_size", id="too large"),
    ],
)
def test_file_that_is_no_workbook_is_refused(content: Callable[[], bytes], rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(content())
    assert {violation.rule for violation in refused.value.violations} == {rule}
