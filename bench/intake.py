"""CSV into a batch: seconds until it is accepted, and the API's memory, at ten thousand and a hundred thousand lines.

python -m bench.intake [--lines 10000 100000]
"""

import argparse
import csv
import io
import os
import platform
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson

from bench.bulk import Place, service
from bench.csv_lines import csv_lines
from bench.households import bodies
from verify_service.bulk.columns import columns

_PIECE_LINES = 200


def lines(count: int) -> Iterator[Mapping[str, str]]:
    """Yield at least so many lines, household after household."""
    made = 0
    for body in bodies(members=None):
        household = list(csv_lines(orjson.loads(body)))
        yield from household
        made += len(household)
        if made >= count:
            return


def pieces(count: int) -> list[bytes]:
    """Return the file in pieces, made before anything is measured."""
    header = [name for name in columns() if not name.startswith("legal_basis.")]
    made, piece = [], [dict(zip(header, header, strict=True))]
    for line in lines(count):
        piece.append(dict(line))
        if len(piece) >= _PIECE_LINES:
            made.append(written(header, piece))
            piece = []
    return [*made, written(header, piece)]


def written(header: Sequence[str], rows: Sequence[Mapping[str, str]]) -> bytes:
    text = io.StringIO()
    csv.DictWriter(text, header, restval="").writerows(rows)
    return text.getvalue().encode()


def measure(place: Place, count: int) -> dict[str, Any]:
    """Hand a file in once and return the figures; the service runs alone meanwhile."""
    body = pieces(count)
    before, began = place.api.cpu_seconds(), time.perf_counter()
    answer = place.http.post("/v1/batches", content=iter(body), headers={"Content-Type": "text/csv"})
    seconds = time.perf_counter() - began
    receipt = answer.raise_for_status().json()
    spent = place.api.cpu_seconds() - before
    return {
        "lines": count,
        "households": receipt["rows_in"],
        "MB": round(receipt["size_bytes"] / 1e6, 1),
        "seconds until accepted": round(seconds, 1),
        "CPU seconds of the API": round(spent, 1),
        "CPU ms a household": round(spent * 1000 / receipt["rows_in"], 2),
        "peak MiB of the API so far": round(place.api.peak_mib()),
    }


def main() -> None:
    """Measure and print a line for each figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--lines", type=int, nargs="+", default=[10_000, 100_000])
    given = parser.parse_args()
    print(
        f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    with TemporaryDirectory() as folder, service(Path(folder), None, 0) as place:
        for count in given.lines:
            for name, value in measure(place, count).items():
                print(f"{name:28} {value}", flush=True)


if __name__ == "__main__":
    main()
