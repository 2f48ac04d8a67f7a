"""Tables as bytes, a page at a time: NDJSON and CSV. What a spreadsheet opens is inert, and identifiers stay text.

A cell that begins as a formula begins with an apostrophe here, and so does a long number that is a name and no quantity:
a spreadsheet would run the one and round the other.
"""

import csv
import io
import re
from collections.abc import Iterable, Sequence

import xlsxwriter

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0")
_LONG_NUMBER = re.compile(r"[0-9]{12,}", re.ASCII)
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"


def csv_rows(rows: Iterable[Sequence[object]]) -> bytes:
    """Return lines of CSV (RFC 4180, UTF-8)."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([inert(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def inert(cell: object) -> object:
    """Return the cell as a spreadsheet may open it. Numbers of ours are left alone."""
    if cell is None:
        return ""
    if isinstance(cell, str) and (cell.startswith(_FORMULA) or _LONG_NUMBER.fullmatch(cell)):
        return f"'{cell}"
    return cell


def workbook(rows: Iterable[Sequence[object]]) -> bytes:
    """Return a workbook of one sheet whose cells are text, never formulas, links or numbers."""
    content = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(content, options) as book:
        sheet = book.add_worksheet("batch")
        for line, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                sheet.write_string(line, column, str(cell))
    return content.getvalue()
