"""What a spreadsheet opens does nothing, and names made of digits stay what they are."""

import csv
import io

import pytest

from verify_service.bulk.output import csv_rows


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "\0=1", "123456789012345678"])
def test_cell_is_inert(cell: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_rows([[cell]]).decode(), newline=""))
    assert row == [f"'{cell}"]


@pytest.mark.parametrize("cell", ["SHILI-2026-000201", "a=b", "12345", -5, 123456789012345678])
def test_other_cells_are_left_alone(cell: object) -> None:
    assert csv_rows([[cell]]).decode() == f"{cell}\r\n"
