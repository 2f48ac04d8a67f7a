"""CSV in the long form: what is read, and what each kind of damage is told as."""

import codecs
import csv
import io
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from verify_service.bulk.csv_form import CsvReader
from verify_service.bulk.household import ReadHousehold
from verify_service.bulk.ndjson_form import NdjsonReader
from verify_service.domain.request import VerificationRequest
from verify_service.errors import InvalidInput


@pytest.fixture
def example(repo_root: Path) -> bytes:
    return (repo_root / "examples" / "batch.csv").read_bytes()


def read(content: bytes, *, piece: int = 1 << 20) -> tuple[CsvReader, list[ReadHousehold]]:
    reader = CsvReader()
    found = [each for start in range(0, len(content), piece) for each in reader.feed(content[start : start + piece])]
    return reader, [*found, *reader.end()]


def edited(content: bytes, edit: Callable[[list[list[str]]], object]) -> bytes:
    """Return the file with its cells changed in place."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    edit(rows)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def cell(rows: list[list[str]], line: int, column: str, value: str) -> None:
    rows[line - 1][rows[0].index(column)] = value


def told(households: list[ReadHousehold]) -> list[tuple[int, str, str]]:
    return [(broken.line, broken.place, broken.rule) for each in households for broken in each.broken]


@pytest.mark.parametrize("piece", [1, 7, 4096, 1 << 20])
def test_same_households_as_in_ndjson(example: bytes, repo_root: Path, piece: int) -> None:
    reader, households = read(example, piece=piece)
    lines = NdjsonReader().feed((repo_root / "examples" / "batch.ndjson").read_bytes())
    model = VerificationRequest.model_validate_json
    assert [model(each.body or b"") for each in households] == [model(each.body or b"") for each in lines]
    assert reader.encoding == "utf-8"


@pytest.mark.parametrize(
    ("written", "found"),
    [
        pytest.param(lambda text: text.encode("gb18030"), "gb18030", id="gb18030"),
        pytest.param(lambda text: codecs.BOM_UTF8 + text.encode(), "utf-8", id="with BOM"),
        pytest.param(lambda text: text.replace("\n", "\r\n").encode(), "utf-8", id="CRLF"),
        pytest.param(lambda text: text.rstrip("\n").encode(), "utf-8", id="no last line feed"),
    ],
)
def test_encoding_is_found(example: bytes, written: Callable[[str], bytes], found: str) -> None:
    reader, households = read(written(example.decode()))
    assert reader.encoding == found
    assert [each.body for each in households] == [each.body for each in read(example)[1]]


def test_line_in_another_encoding_is_refused_and_not_misread(example: bytes) -> None:
    lines = example.decode().splitlines(keepends=True)
    other = [line.encode("gb18030" if i != 4 else "utf-8") for i, line in enumerate(lines, 1)]
    assert told(read(b"".join(other))[1]) == [(4, "", "encoding")]
    other = [line.encode("utf-8" if i != 4 else "gb18030") for i, line in enumerate(lines, 1)]
    assert told(read(b"".join(other))[1]) == [(4, "", "encoding")]


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("member.id_number", "9.90101E+17", "scientific_notation"),
        ("household.declared_assets.vehicles", "two", "whole_number"),
        ("household.declared_assets.further_fen.deposit", "12000.00", "whole_number"),
        ("household.declared_assets.vehicles", "１", "whole_number"),
        ("consent.covers_monitoring", "yes", "true_or_false"),
        ("client_reference", "", "required"),
    ],
)
def test_broken_cell_is_told_with_line_and_column(example: bytes, column: str, value: str, rule: str) -> None:
    households = read(edited(example, lambda rows: cell(rows, 4, column, value)))[1]
    assert (4, column, rule) in told(households)
    assert sum(bool(each.broken) for each in households) == 1
    assert value == "" or value not in str(told(households))


def test_person_without_the_key_is_not_left_out_of_the_household(example: bytes) -> None:
    households = read(edited(example, lambda rows: cell(rows, 3, "client_reference", "")))[1]
    assert [each.line for each in households if each.broken] == [2]


def test_lines_of_one_household_agree(example: bytes) -> None:
    households = read(edited(example, lambda rows: cell(rows, 3, "household.hukou", "09")))[1]
    assert told(households) == [(3, "household.hukou", "lines_disagree")]


def test_open_quotation_mark_draws_no_other_household_in(example: bytes) -> None:
    lines = example.split(b"\n")
    lines[3] = lines[3].replace(b",03,new,", b',"03,new,', 1)
    households = read(b"\n".join(lines))[1]
    assert told(households) == [(4, "", "quotation_marks")]
    assert sum(each.body is not None for each in households) == 19


def test_quoted_cell_may_span_lines(example: bytes) -> None:
    def edit(rows: list[list[str]]) -> None:
        for line in (2, 3):
            cell(rows, line, "household.address", "甲区\n样板路")

    content = edited(example, edit)
    households = read(content, piece=11)[1]
    assert not told(households)
    assert orjson.loads(households[0].body or b"")["household"]["address"] == "甲区\n样板路"
    assert households[1].line == 6


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        pytest.param(b"", "empty_file", id="empty"),
        pytest.param("client_reference".encode("utf-16"), "encoding", id="UTF-16"),
        pytest.param(b"a,b\n1,2\n", "unknown_column", id="other header"),
        pytest.param(b"client_reference,client_reference\n", "repeated_column", id="column twice"),
        pytest.param(b"client_reference,purpose\n", "missing_column", id="column missing"),
        pytest.param(b"x," * 400_000 + b"\n", "too_many_columns", id="400,000 columns"),
        pytest.param(b"x," * 1_000_000 + b"\n", "too_many_columns", id="a million columns"),
    ],
)
def test_file_that_is_none_is_refused_as_a_whole(content: bytes, rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        read(content, piece=1 << 16)
    assert rule in {violation.rule for violation in refused.value.violations}


def test_rule_broken_in_the_request_leads_back_to_line_and_column(example: bytes) -> None:
    third = read(example)[1][2]
    assert third.where("/household/members/1/id_number") == (6, "member.id_number")
    assert third.where("/consents/2/valid_until") == (7, "consent.valid_until")
    assert third.where("/household/address") == (5, "household.address")
    assert third.where("/purpose") == (5, "purpose")


@pytest.mark.parametrize(
    ("line", "rule"), [(b"a,b\rc,,", "quotation_marks"), (b'a,"b"c,,', "quotation_marks"), (b"a,b,c,", "cells"), (b'a,"b,c",', "cells")]
)
def test_a_line_with_or_without_quotation_marks_is_held_to_the_same_rules(example: bytes, line: bytes, rule: str) -> None:
    lines = example.split(b"\n")
    assert (4, "", rule) in told(read(b"\n".join([*lines[:3], line, *lines[4:]]))[1])


def test_cells_make_json_that_needs_no_strict_reading(example: bytes, repo_root: Path) -> None:
    lines = (repo_root / "examples" / "batch.ndjson").read_bytes()
    assert all(each.is_strict for each in read(example)[1])
    assert not any(each.is_strict for each in NdjsonReader().feed(lines))
