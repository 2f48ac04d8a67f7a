"""What pages say of themselves is believed before the footer, and nothing is unpacked to find out."""

import io
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from verify_service.bulk.columns import required
from verify_service.bulk.parquet_form import ParquetReader
from verify_service.bulk.parquet_pages import PageError, unpacked_bytes
from verify_service.errors import InvalidInput

VALUES = [f"value {i % 70}" for i in range(5_000)]
MOST_GROWTH_KB = 64_000  # reliability reference, row 24
MEASURED = """
import sys
from pathlib import Path
from verify_service.bulk.parquet_form import ParquetReader
from verify_service.errors import InvalidInput

def peak_kb():
    return next(int(line.split()[1]) for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))

content, reader = Path(sys.argv[1]).read_bytes(), ParquetReader()
list(reader.feed(content))
before = peak_kb()
try:
    list(reader.end())
except InvalidInput as error:
    print(error.violations[0].rule, peak_kb() - before)
"""


def written(values: list[str], **options: Any) -> bytes:
    return table({"purpose": values}, **options)


def table(columns: dict[str, list[str]], **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({name: pa.array(values) for name, values in columns.items()}), sink, **options)
    return sink.getvalue()


def chunks(content: bytes) -> list[Any]:
    metadata = pq.ParquetFile(io.BytesIO(content)).metadata
    return [metadata.row_group(i).column(0) for i in range(metadata.num_row_groups)]


def varint(size: int, *, length: int) -> bytes:
    """Return a number as Thrift writes it, filled up to a length."""
    value = size << 1
    return bytes((value >> 7 * i & 0x7F) | (0x80 if i < length - 1 else 0) for i in range(length))


@pytest.fixture(scope="module")
def bomb() -> bytes:
    """Make a page of 153 MB in few bytes, in a file whose footer says ten bytes."""
    columns = {"purpose": ["x" * 9_000_000] * 17} | {name: ["x"] * 17 for name in sorted(required() - {"purpose"})}
    content = table(columns, use_dictionary=False, compression="zstd", write_statistics=False, data_page_size=1 << 30)
    told = varint(chunks(content)[0].total_uncompressed_size, length=5)
    assert content.count(told) == 1  # the row group's size is that of all columns
    return content.replace(told, varint(10, length=5))


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"use_dictionary": False},
        {"row_group_size": 700},
        {"data_page_size": 200, "compression": "gzip"},
        {"data_page_version": "2.0", "compression": "zstd", "write_statistics": False},
    ],
    ids=str,
)
def test_an_honest_file_is_found_to_be_as_large_as_it_says(options: dict[str, Any]) -> None:
    content = written(VALUES, **options)
    for chunk in chunks(content):
        found = unpacked_bytes(memoryview(content), chunk)
        assert 0.4 * chunk.total_uncompressed_size < found < chunk.total_uncompressed_size  # headers count there, and not here


def test_a_bomb_is_refused_before_it_is_unpacked(bomb: bytes, tmp_path: Path) -> None:
    file = tmp_path / "bomb.parquet"
    file.write_bytes(bomb)
    done = subprocess.run([sys.executable, "-c", MEASURED, str(file)], capture_output=True, check=True, text=True)
    rule, growth_kb = done.stdout.split()
    assert rule == "unpacked_size"
    assert int(growth_kb) < MOST_GROWTH_KB


def test_a_page_that_demands_two_gigabytes_is_refused(bomb: bytes) -> None:
    true_size = unpacked_bytes(memoryview(bomb), chunks(bomb)[0])
    told = varint(true_size, length=5)
    assert bomb.count(told) == 1
    liar = bomb.replace(told, varint(2**31 - 1, length=5))
    assert refused(liar) == "unpacked_size"


@pytest.mark.parametrize("encoding", ["DELTA_BYTE_ARRAY", "DELTA_LENGTH_BYTE_ARRAY"])
@pytest.mark.parametrize("version", ["1.0", "2.0"])
def test_an_encoding_in_which_little_stands_for_much_is_refused(encoding: str, version: str) -> None:
    content = written(VALUES, use_dictionary=False, column_encoding={"purpose": encoding}, data_page_version=version)
    assert refused(content) == "page_encoding"


@pytest.mark.parametrize("byte", [0x00, 0x0F, 0x1C, 0x19, 0x7F, 0xFF])
def test_headers_of_nonsense_are_refused(byte: int) -> None:
    content = bytearray(written(VALUES, use_dictionary=False))
    (chunk,) = chunks(bytes(content))
    begin = chunk.data_page_offset
    content[begin : begin + 12] = bytes([byte]) * 12
    with pytest.raises(PageError):
        unpacked_bytes(memoryview(content), chunk)


def refused(content: bytes) -> str:
    reader = ParquetReader()
    with pytest.raises(InvalidInput) as caught:
        list(chain(reader.feed(content), reader.end()))
    return caught.value.violations[0].rule
