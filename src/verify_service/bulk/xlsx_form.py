"""XLSX: the first sheet in the long form. A workbook is a zip, so it is looked through before anything unpacks it.

Refused as a whole, with the cell that is the reason: formulas (what would they be today?), merged cells (whose is the
value?), cells far outside the table, an archive that unpacks to more than it should. A number in a cell for an identity
number has lost its last digits already; it is told as such.
"""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence

from python_calamine import CalamineError, CalamineWorkbook, ZipError

from verify_service.bulk.cells import text
from verify_service.bulk.household import ReadHousehold
from verify_service.bulk.table import MOST_COLUMNS, Table
from verify_service.errors import InvalidInput

MOST_BYTES, MOST_UNPACKED_BYTES, MOST_FILES, MOST_RATIO = 20_000_000, 200_000_000, 1_000, 100
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_CELL = re.compile(rb'<c [^>]*?r="([A-Z]{1,3})([0-9]{1,7})"')
_FORMULA = re.compile(rb'r="([A-Z]{1,3}[0-9]{1,7})"[^>]*><f[ >/]')
_PIECE = 1 << 20
_OVERLAP = 200  # longest that a cell's opening tags are, so that none is missed between two pieces


class XlsxReader:
    """Reads households out of a workbook, which has to be there whole before it can be read."""

    encoding = "binary"
    is_whole = True

    def __init__(self) -> None:
        self._content = io.BytesIO()

    def feed(self, data: bytes) -> Iterator[ReadHousehold]:
        """Keep bytes. Raises InvalidInput beyond 20 MB."""
        self._content.write(data)
        if self._content.tell() > MOST_BYTES:
            raise _refused("file_size", f"an XLSX file of at most {MOST_BYTES} bytes; hand CSV or NDJSON in for more")
        yield from ()

    def end(self) -> Iterator[ReadHousehold]:
        """Yield the households of the first sheet. Raises InvalidInput."""
        try:
            _look_through(self._content)
            self._content.seek(0)
            sheet = CalamineWorkbook.from_filelike(self._content).get_sheet_by_index(0)
            rows = sheet.iter_rows()
        except (zipfile.BadZipFile, CalamineError, ZipError, NotImplementedError, RuntimeError):
            raise _refused("xlsx", "a readable XLSX workbook without a password") from None
        if sheet.merged_cell_ranges:
            (row, column), _ = sheet.merged_cell_ranges[0]
            raise _refused("merged_cells", f"no merged cells; there is one in line {row + 1}, column {column + 1}")
        yield from _households(rows, (sheet.start or (0, 0))[0] + 1)


def _households(rows: Iterator[Sequence[object]], first: int) -> Iterator[ReadHousehold]:
    header = [str(cell).strip() for cell in next(rows, [])]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise _refused("empty_file", "a header line and at least one household")
    table = Table(header)
    for number, cells in enumerate(rows, first + 1):
        outside = any(cell != "" for cell in cells[len(header) :])
        yield from table.add(number, [text(cell) for cell in (cells if outside else cells[: len(header)])])
    yield from table.end()


def _look_through(content: io.BytesIO) -> None:
    """Refuse what must not be unpacked, and what the sheets may not hold. Raises InvalidInput, BadZipFile."""
    with zipfile.ZipFile(content) as archive:
        files = archive.infolist()
        unpacked, packed = sum(file.file_size for file in files), sum(file.compress_size for file in files)
        if len(files) > MOST_FILES or unpacked > MOST_UNPACKED_BYTES or unpacked > MOST_RATIO * max(packed, 100_000):
            raise _refused("unpacked_size", "a workbook that unpacks to at most 200 MB")
        for file in files:
            if _SHEET.fullmatch(file.filename):
                _look_at_sheet(archive, file)


def _look_at_sheet(archive: zipfile.ZipFile, file: zipfile.ZipInfo) -> None:
    """Look at a sheet's XML piece by piece: what the archive's list says of its size may be a lie."""
    read, tail = 0, b""
    with archive.open(file) as opened:
        while piece := opened.read(_PIECE):
            read += len(piece)
            if read > file.file_size:
                raise _refused("unpacked_size", "a workbook whose files are as large as it says")
            _look_at_cells(tail + piece)
            tail = piece[-_OVERLAP:]


def _look_at_cells(xml: bytes) -> None:
    formula = _FORMULA.search(xml)
    if formula is not None:
        raise _refused("formula_cells", f"values only; cell {formula[1].decode()} is a formula")
    for letters in {found[1] for found in _CELL.finditer(xml)}:
        if _column(letters) > MOST_COLUMNS:
            raise _refused("too_many_columns", f"at most {MOST_COLUMNS} columns; there is a cell in column {letters.decode()}")


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number


def _refused(rule: str, detail: str) -> InvalidInput:
    return InvalidInput.at("", rule, detail)
