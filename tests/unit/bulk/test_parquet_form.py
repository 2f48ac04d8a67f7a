"""Parquet: the same households as in CSV, whatever types its columns have, and a clear answer to what is no table."""

import csv
import io
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verify_service.bulk.csv_form import CsvReader
from verify_service.bulk.household import ReadHousehold
from verify_service.bulk.parquet_form import MOST_BYTES, ParquetReader
from verify_service.errors import InvalidInput

Columns = dict[str, Any]


@pytest.fixture
def cells(repo_root: Path) -> Columns:
    header, *lines = csv.reader((repo_root / "examples" / "batch.csv").read_text("utf-8").splitlines())
    return {name: [cell or None for cell in column] for name, column in zip(header, zip(*lines, strict=True), strict=True)}


def written(columns: Columns, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({name: pa.array(c, pa.string()) if isinstance(c, list) else c for name, c in columns.items()}), sink, **options)
    return sink.getvalue()


def read(content: bytes) -> list[ReadHousehold]:
    reader = ParquetReader()
    return [*reader.feed(content), *reader.end()]


def bodies(households: list[ReadHousehold]) -> list[bytes | None]:
    return [household.body for household in households]


@pytest.mark.parametrize(
    "options",
    [{}, {"use_dictionary": False}, {"row_group_size": 7}, {"compression": "zstd", "version": "2.6"}, {"data_page_version": "2.0"}],
    ids=str,
)
def test_same_households_as_in_csv(cells: Columns, repo_root: Path, options: dict[str, Any]) -> None:
    reader = CsvReader()
    content = (repo_root / "examples" / "batch.csv").read_bytes()
    expected = [*reader.feed(content), *reader.end()]
    households = read(written(cells, **options))
    assert bodies(households) == bodies(expected)
    assert [household.line + 1 for household in households] == [household.line for household in expected]  # no header line


def typed(cells: Columns, name: str, convert: Callable[[str], Any], kind: Any) -> Columns:
    return {**cells, name: pa.array([None if cell is None else convert(cell) for cell in cells[name]], kind)}


@pytest.mark.parametrize(
    ("name", "convert", "kind"),
    [
        ("asset_as_of", date.fromisoformat, pa.date32()),
        ("asset_as_of", date.fromisoformat, pa.date64()),
        ("asset_as_of", datetime.fromisoformat, pa.timestamp("ms")),
        ("asset_as_of", lambda cell: datetime.fromisoformat(cell).replace(tzinfo=UTC), pa.timestamp("us", "UTC")),
        ("member.declared_income.wage_fen", int, pa.int64()),
        ("member.declared_income.wage_fen", int, pa.uint32()),
        ("member.declared_income.wage_fen", float, pa.float64()),
        ("member.declared_income.wage_fen", Decimal, pa.decimal128(18, 2)),
        ("consent.covers_monitoring", lambda cell: cell == "true", pa.bool_()),
        ("region", int, pa.int32()),
        ("member.name", str, pa.large_string()),
        ("member.name", str, pa.dictionary(pa.int8(), pa.string())),
    ],
)
def test_typed_columns_are_read_as_they_are_meant(cells: Columns, name: str, convert: Callable[[str], Any], kind: Any) -> None:
    assert bodies(read(written(typed(cells, name, convert, kind)))) == bodies(read(written(cells)))


def test_identity_number_keeps_its_digits_as_a_whole_number_and_loses_them_as_a_floating_one(cells: Columns) -> None:
    whole = [cell for cell in cells["member.id_number"] if cell.isdecimal()]
    first = {name: column[:1] if isinstance(column, list) else column for name, column in cells.items()}
    (expected,) = read(written(first | {"member.id_number": [whole[0]]}))
    (kept,) = read(written(first | {"member.id_number": pa.array([int(whole[0])], pa.int64())}))
    (lost,) = read(written(first | {"member.id_number": pa.array([float(whole[0])], pa.float64())}))
    assert kept.body == expected.body
    assert [(b.line, b.place, b.rule) for b in lost.broken] == [(1, "member.id_number", "scientific_notation")]


def test_column_of_nothing_is_left_out(cells: Columns) -> None:
    empty = {**cells, "member.student": pa.nulls(len(cells["region"]))}
    assert len(read(written(empty))) == 20


def wrong_type(cells: Columns, kind: Any, value: Any) -> bytes:
    return written({**cells, "member.name": pa.array([value] * len(cells["region"]), kind)})


def bomb() -> bytes:
    return written({"purpose": ["x" * 9_000_000] * 13}, use_dictionary=False, compression="zstd")


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        pytest.param(lambda _: b"", "parquet", id="nothing"),
        pytest.param(lambda _: b"client_reference,purpose\n" * 10, "parquet", id="CSV under another name"),
        pytest.param(lambda c: written(c)[:-1], "parquet", id="cut at the end"),
        pytest.param(lambda c: written(c)[1:], "parquet", id="cut at the beginning"),
        pytest.param(lambda c: b"PAR1" + written(c)[-2000:], "parquet", id="only the end"),
        pytest.param(lambda _: b"PAR1" + b"\0" * 100 + b"\xff\xff\xff\x7fPAR1", "parquet", id="footer longer than the file"),
        pytest.param(lambda _: b"PAR1" + b"\xff" * 100 + b"\x40\0\0\0PAR1", "parquet", id="footer of nonsense"),
        pytest.param(lambda _: written({f"c{i}": ["x"] for i in range(201)}), "too_many_columns", id="201 columns"),
        pytest.param(
            lambda _: b"PAR1" + b"\0" * 17_000_000 + (17_000_000).to_bytes(4, "little") + b"PAR1", "too_many_columns", id="huge footer"
        ),
        pytest.param(lambda _: written({"purpose": ["01"]}), "missing_column", id="columns missing"),
        pytest.param(lambda c: written({**c, "aim": c["purpose"]}), "unknown_column", id="other columns"),
        pytest.param(lambda c: written({name: [] for name in c}), "empty_file", id="no rows"),
        pytest.param(lambda c: wrong_type(c, pa.list_(pa.string()), ["x"]), "column_type", id="list"),
        pytest.param(lambda c: wrong_type(c, pa.struct([("a", pa.string())]), {"a": "x"}), "column_type", id="struct"),
        pytest.param(lambda c: wrong_type(c, pa.map_(pa.string(), pa.string()), [("a", "b")]), "column_type", id="map"),
        pytest.param(lambda c: wrong_type(c, pa.binary(), b"x"), "column_type", id="bytes"),
        pytest.param(lambda c: wrong_type(c, pa.time64("us"), 1), "column_type", id="time of day"),
        pytest.param(lambda _: bomb(), "unpacked_size", id="bomb"),
        pytest.param(lambda _: b"x" * (MOST_BYTES + 1), "file_size", id="too large"),
    ],
)
def test_what_is_no_table_is_refused(cells: Columns, content: Callable[[Columns], bytes], rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(content(cells))
    assert {violation.rule for violation in refused.value.violations} == {rule}


def test_value_that_is_repeated_a_million_times_costs_once() -> None:
    """A dictionary of one long value in few bytes: read with bounded memory, and refused by the columns it lacks."""
    content = written({"purpose": pa.array(["x" * 1_000_000]).dictionary_encode().take(pa.array([0] * 1_000_000))})
    assert len(content) < 2_000_000
    with pytest.raises(InvalidInput):
        read(content)


@pytest.mark.parametrize("seed", range(60))
def test_damage_anywhere_is_told_and_never_anything_else(cells: Columns, seed: int) -> None:
    content = bytearray(written(cells, row_group_size=10))
    chosen = random.Random(seed)
    for _ in range(1 + seed % 5):
        content[chosen.randrange(4, len(content))] = chosen.randrange(256)
    with suppress(InvalidInput):
        assert all(household.body is not None or household.broken for household in read(bytes(content)))
