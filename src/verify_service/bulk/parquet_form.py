"""Parquet in the long form: one row per member. Whole numbers keep all their digits here; strings, truths and dates are as meant.

A Parquet file is read from its end, so it has to be there whole: in memory, since a temporary file would hold a county's people
in clear. What it says of itself, in the footer and before every page, is looked at before anything is unpacked; then a
thousand rows at a time are read, strings as dictionaries, so that a value that is repeated costs once.
Refused as a whole, with the column that is the reason: lists, structs and other things that are no cells.
"""

import io
from collections.abc import Iterator, Sequence
from typing import Any

from verify_service.bulk.arrow import arrow
from verify_service.bulk.cells import text
from verify_service.bulk.columns import columns
from verify_service.bulk.household import ReadHousehold
from verify_service.bulk.parquet_pages import PageError, unpacked_bytes
from verify_service.bulk.table import MOST_COLUMNS, Table
from verify_service.errors import InvalidInput

MOST_BYTES, MOST_FOOTER_BYTES, MOST_ROWS = 64_000_000, 16_000_000, 20_000_000
MOST_GROUP_BYTES, MOST_RATIO = 256_000_000, 1_000
_MAGIC, _TAIL_BYTES, _ROWS_AT_ONCE = b"PAR1", 8, 1_000
_MOST_ELEMENTS = 200_000


class ParquetReader:
    """Reads households out of Parquet, which has to be there whole before it can be read."""

    encoding = "binary"
    is_whole = True

    def __init__(self) -> None:
        self._arrow = arrow()
        self._content = io.BytesIO()

    def feed(self, data: bytes) -> Iterator[ReadHousehold]:
        """Keep bytes. Raises InvalidInput beyond 64 MB."""
        self._content.write(data)
        if self._content.tell() > MOST_BYTES:
            raise _refused("file_size", f"a Parquet file of at most {MOST_BYTES} bytes; hand CSV or NDJSON in for more")
        yield from ()

    def end(self) -> Iterator[ReadHousehold]:
        """Yield the households. Raises InvalidInput."""
        _expect_frame(self._content)
        try:
            yield from self._households()
        except PageError as error:
            raise _refused(error.rule, "pages that say what they hold, in plain or dictionary encoding") from None
        except UnicodeDecodeError:
            raise _refused("encoding", "text in UTF-8") from None
        except (self._arrow.library.ArrowException, OSError, OverflowError, ValueError):
            raise _refused("parquet", "a readable Parquet file, not encrypted") from None

    def _households(self) -> Iterator[ReadHousehold]:
        file = self._open()
        header = list(file.schema_arrow.names)
        table = Table(header)
        for number, cells in enumerate(_rows(file), 1):
            yield from table.add(number, cells)
        yield from table.end()

    def _open(self) -> Any:
        """Open the file a second time when it is known to be a table: its strings are read as dictionaries."""
        limits = {"thrift_string_size_limit": MOST_FOOTER_BYTES, "thrift_container_size_limit": _MOST_ELEMENTS, "pre_buffer": False}
        kind, types = self._arrow.parquet.ParquetFile, self._arrow.library.types
        file = kind(self._content, **limits)
        with self._content.getbuffer() as content:
            _expect_bounds(file.metadata, content)
        strings = []
        for field in file.schema_arrow:
            _expect_cells(types, field)
            if types.is_string(field.type) or types.is_large_string(field.type):
                strings.append(field.name)
        return kind(self._content, read_dictionary=strings, **limits)


def _rows(file: Any) -> Iterator[list[str]]:
    for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE, use_threads=False):
        columns = [_texts(column) for column in batch.columns]
        yield from map(list, zip(*columns, strict=True))


def _texts(column: Any) -> Sequence[str]:
    """Return a column's cells as text; each value of a dictionary is made once."""
    if not hasattr(column, "dictionary"):
        return [text(cell) for cell in column.to_pylist()]
    values = [text(cell) for cell in column.dictionary.to_pylist()]
    return ["" if index is None else values[index] for index in column.indices.to_pylist()]


def _expect_frame(content: io.BytesIO) -> None:
    """Refuse what is no Parquet file at all, and one whose description alone is larger than a table's can be."""
    whole = content.getbuffer()
    size = len(whole)
    if size < 2 * len(_MAGIC) + _TAIL_BYTES or bytes(whole[: len(_MAGIC)]) != _MAGIC or bytes(whole[-len(_MAGIC) :]) != _MAGIC:
        raise _refused("parquet", "a whole Parquet file, from the first PAR1 to the last")
    footer = int.from_bytes(whole[-_TAIL_BYTES : -len(_MAGIC)], "little")
    if footer > size - _TAIL_BYTES:
        raise _refused("parquet", "a whole Parquet file, from the first PAR1 to the last")
    if footer > MOST_FOOTER_BYTES:
        raise _refused("too_many_columns", f"at most {MOST_COLUMNS} columns, and a footer of at most {MOST_FOOTER_BYTES} bytes")


def _expect_bounds(metadata: Any, content: memoryview) -> None:
    if metadata.num_columns > MOST_COLUMNS:
        raise _refused("too_many_columns", f"at most {MOST_COLUMNS} columns")
    if metadata.num_rows == 0:
        raise _refused("empty_file", "at least one household")
    if metadata.num_rows > MOST_ROWS:
        raise _refused("too_many_rows", f"at most {MOST_ROWS} rows")
    for number in range(metadata.num_row_groups):
        _expect_group(metadata.row_group(number), content)


def _expect_group(group: Any, content: memoryview) -> None:
    """Refuse a row group that would be too much at once, or of which somebody says that it unpacks a thousandfold."""
    chunks = [group.column(i) for i in range(group.num_columns)]
    unpacked = sum(max(c.total_uncompressed_size, unpacked_bytes(content, c)) for c in chunks)
    packed = sum(c.total_compressed_size for c in chunks)
    if unpacked > MOST_GROUP_BYTES or unpacked > MOST_RATIO * max(packed, 100_000):
        raise _refused("unpacked_size", f"row groups that unpack to at most {MOST_GROUP_BYTES} bytes")


def _expect_cells(types: Any, field: Any) -> None:
    """Refuse a column whose values are not cells."""
    kinds = ("string", "large_string", "boolean", "integer", "floating", "decimal", "date", "timestamp", "null")
    of_dictionary = types.is_dictionary(field.type) and types.is_string(field.type.value_type)
    if not of_dictionary and not any(getattr(types, f"is_{kind}")(field.type) for kind in kinds):
        raise _refused("column_type", f"column {_named(field.name)} holds text, numbers, truths or dates")


def _named(name: str) -> str:
    """Return a column's name as it may be told: one of the template's, or a mark."""
    return name if name in columns() else "*"


def _refused(rule: str, detail: str) -> InvalidInput:
    return InvalidInput.at("", rule, detail)
