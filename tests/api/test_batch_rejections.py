"""A file with bad rows of every kind among good ones: exactly those are in the errors file, each under its row and line."""

from collections.abc import Callable, Mapping
from pathlib import Path

import orjson
import pytest

from tests.api.house import House

CSV, NDJSON = "text/csv", "application/x-ndjson"
EVERY = 100
NUMBER = b"990101195509090090"
# Each kind by the rule that is told, and what it does to a line.
KINDS: Mapping[str, Callable[[bytes], bytes]] = {
    "gb_11643": lambda line: line.replace(NUMBER, b"990101195509090091", 1),
    "scientific_notation": lambda line: line.replace(NUMBER, b"9.90101E+17", 1),
    "required": lambda line: line.replace(b"applicant,01,", b"applicant,,", 1),
    "whole_number": lambda line: line.replace(b"292296", b"2.5", 1),
    "true_or_false": lambda line: line.replace(b",true,", b",yes,", 1),
    "cells": lambda line: line + b",more",
    "quotation_marks": lambda line: line.replace(b"applicant", b'"applicant', 1),
    "encoding": lambda line: line.replace("苓".encode(), b"\xc1\xe1", 1),
    "repeated_reference": lambda line: b"SHILI-TWICE," + line.partition(b",")[2],
    "no_consent": lambda line: line.replace(b",01,*,", b",02,*,", 1),
}


def written(example: bytes, households: int) -> tuple[bytes, dict[int, str]]:
    """Return a file of one line per household, and the rule that each bad row breaks."""
    header, first = example.splitlines()[:2]
    made, bad = [header], {}
    for row in range(1, households + 1):
        line = first.replace(b"SHILI-2026-000201", b"SHILI-2026-%06d" % row, 1)
        if row % EVERY == 0:
            bad[row] = list(KINDS)[(row // EVERY) % len(KINDS)]
            line = KINDS[bad[row]](line)
        made.append(line)
    return b"\n".join(made), bad


@pytest.mark.parametrize("households", [pytest.param(2_000, id="2000"), pytest.param(50_000, id="50000", marks=pytest.mark.soak)])
async def test_exactly_the_bad_rows_are_told(house: House, repo_root: Path, households: int) -> None:
    content, bad = written((repo_root / "examples" / "batch.csv").read_bytes(), households)
    answer = await house.act("/v1/batches", content, Content_Type=CSV)
    receipt = answer.json()
    assert (answer.status_code, receipt["rows_in"]) == (202, households)
    errors = (await house.get(f"/v1/batches/{receipt['batch_id']}/errors", accept=NDJSON)).content.splitlines()
    told = [orjson.loads(line) for line in errors]
    assert {(error["row"], error["line"], error["rule"]) for error in told} == {(row, row + 1, rule) for row, rule in bad.items()}
    assert set(bad.values()) == set(KINDS)
    assert len(bad) == households // EVERY
