"""A workbook (ECMA-376) as a stream: sheets of text and numbers, written row by row, with nothing kept and nothing on the disk.

A text cell is an inline string: a program that opens it reads text, never a formula, a link or a number. A sheet ends at a
million rows, where a spreadsheet does, and the next one begins with the header again.
"""

import re
import zipfile
from collections.abc import AsyncIterator, Iterable, Sequence
from xml.sax.saxutils import escape

ROWS_OF_SHEET = 1_000_000
MOST_CHARACTERS = 32_767  # of a cell
_NO_ROWS: list[Sequence[object]] = []  # not a tuple: as the default of anext an empty one raises
_TOO_EARLY = (1980, 1, 1, 0, 0, 0)
_UNWRITABLE = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_KIND = "application/vnd.openxmlformats-officedocument.spreadsheetml"


class _Sink:
    """What the archive is written to: it keeps what has not been fetched yet."""

    def __init__(self) -> None:
        self._written: list[bytes] = []

    def write(self, data: bytes) -> int:
        self._written.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def fetch(self) -> bytes:
        written, self._written = b"".join(self._written), []
        return written


async def streamed(header: Sequence[str], pages: AsyncIterator[Iterable[Sequence[object]]], *, most_rows: int) -> AsyncIterator[bytes]:
    """Yield the workbook. `most_rows` says for how many rows there must be sheets; those that stay empty hold the header."""
    sheets = max(1, -(-most_rows // ROWS_OF_SHEET))
    rows = _Rows(pages)
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:  # type: ignore[call-overload]
        for name, content in _parts(sheets):
            archive.writestr(zipfile.ZipInfo(name, _TOO_EARLY), content)
        for number in range(1, sheets + 1):
            info = zipfile.ZipInfo(f"xl/worksheets/sheet{number}.xml", _TOO_EARLY)
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as sheet:
                sheet.write(f'{_HEAD}<worksheet xmlns="{_MAIN}"><sheetData>{_row(header)}'.encode())
                async for page in rows.next_sheet():
                    sheet.write("".join(map(_row, page)).encode())
                    yield sink.fetch()
                sheet.write(b"</sheetData></worksheet>")
    yield sink.fetch()


class _Rows:
    """Deals pages out to sheets."""

    def __init__(self, pages: AsyncIterator[Iterable[Sequence[object]]]) -> None:
        self._pages = pages
        self._left: list[Sequence[object]] = []

    async def next_sheet(self) -> AsyncIterator[Sequence[Sequence[object]]]:
        """Yield as many rows as a sheet holds."""
        room = ROWS_OF_SHEET
        while room:
            page = self._left or list(await anext(self._pages, _NO_ROWS))
            if not page:
                return
            self._left = page[room:]
            yield page[:room]
            room -= len(page[:room])


def _row(cells: Sequence[object]) -> str:
    return f"<row>{''.join(map(_cell, cells))}</row>"


def _cell(cell: object) -> str:
    if cell is None or cell == "":
        return "<c/>"
    if isinstance(cell, int):
        return f"<c><v>{int(cell)}</v></c>"
    text = _ESCAPE.sub("_x005F_", _UNWRITABLE.sub("\N{REPLACEMENT CHARACTER}", str(cell)[:MOST_CHARACTERS]))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{escape(text, {chr(13): "_x000D_"})}</t></is></c>'


def _parts(sheets: int) -> Iterable[tuple[str, str]]:
    """Return the parts of a package that say where its sheets are."""
    numbers = range(1, sheets + 1)
    types = "".join(f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="{_KIND}.worksheet+xml"/>' for n in numbers)
    listed = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="r{n}"/>' for n in numbers)
    related = "".join(f'<Relationship Id="r{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n in numbers)
    own = f'<Override PartName="/xl/workbook.xml" ContentType="{_KIND}.sheet.main+xml"/>{types}'
    rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    first = f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    yield "[Content_Types].xml", f'{_HEAD}<Types xmlns="{_PACKAGE}/content-types">{rels}{own}</Types>'
    yield "_rels/.rels", f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{first}</Relationships>'
    yield "xl/workbook.xml", f'{_HEAD}<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
    yield "xl/_rels/workbook.xml.rels", f'{_HEAD}<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>'
