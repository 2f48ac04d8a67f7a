"""CSV as it streams in: long form, a header line, UTF-8 or GB18030 (found, never guessed line by line), with or without BOM."""

import csv
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from collections.abc import Iterator, Sequence
from typing import Literal

from verify_service.bulk.household import ReadHousehold
from verify_service.bulk.records import Cutter, Record
from verify_service.bulk.table import Table
from verify_service.errors import InvalidInput

_SAMPLE_BYTES = 65_536
Encoding = Literal["utf-8", "gb18030"]
_ENCODINGS: tuple[Encoding, ...] = ("utf-8", "gb18030")
csv.field_size_limit(1_000_000)


class CsvReader:
    """Reads households out of CSV. The encoding is decided on the first 64 kB; a line in another one is broken, not misread."""

    is_whole = False

    def __init__(self) -> None:
        self._cutter = Cutter(quoted=True)
        self._sample: list[Record] = []
        self._sampled = 0
        self._width = 0
        self._encoding: Encoding | None = None
        self._table: Table | None = None

    @property
    def encoding(self) -> str:
        """Return the encoding that was found."""
        return self._encoding or "utf-8"

    def feed(self, data: bytes) -> Iterator[ReadHousehold]:
        """Take bytes; yield the households that end in them."""
        for record in self._cutter.feed(data):
            yield from self._take(record)

    def end(self) -> Iterator[ReadHousehold]:
        """Yield the rest."""
        for record in self._cutter.end():
            yield from self._take(record)
        yield from self._decide()
        if self._table is None:
            raise InvalidInput.at("", "empty_file", "a header line and at least one household")
        yield from self._table.end()

    def _take(self, record: Record) -> Iterator[ReadHousehold]:
        if self._encoding is not None:
            yield from self._read(record)
            return
        self._sample.append(_without_bom(record) if record.line == 1 else record)
        self._sampled += len(record.content or b"")
        if self._sampled > _SAMPLE_BYTES:
            yield from self._decide()

    def _decide(self) -> Iterator[ReadHousehold]:
        """Choose the encoding in which most of the sampled lines can be read, UTF-8 among equals; then read them."""
        if self._encoding is None:
            lines = [record.content for record in self._sample if record.content is not None]
            utf8, gb18030 = (sum(_decodes(line, name) for line in lines) for name in _ENCODINGS)
            self._encoding = "gb18030" if gb18030 > utf8 else "utf-8"
        sample, self._sample = self._sample, []
        for record in sample:
            yield from self._read(record)

    def _read(self, record: Record) -> Iterator[ReadHousehold]:
        if self._table is None:
            if record.content is None:
                raise InvalidInput.at("", "too_many_columns", "a header line of less than a megabyte")
            if record.content:
                self._table = Table(self._header(record))
            return
        cells, rule = self._cells(record)
        if cells is not None and len(cells) == self._width:
            yield from self._table.add(record.line, cells)
        elif b"\n" in (record.content or b""):
            for line in record.lines():
                yield from self._read(line)
        elif record.content != b"":
            yield from self._table.add(record.line, self._salvaged(record), rule=rule)

    def _header(self, record: Record) -> list[str]:
        cells, _ = self._cells(record)
        header = [] if cells is None else [cell.strip() for cell in cells]
        self._width = len(header)
        return header

    def _cells(self, record: Record) -> tuple[list[str] | None, str]:
        """Return the cells, or the rule that the line breaks."""
        if record.content is None:
            return None, "line_too_long"
        text = self._text(record.content)
        if text is None:
            return None, "encoding"
        if '"' not in text and "\r" not in text:
            return text.split(","), "cells"  # as the reader below would, in half the time
        try:
            return next(csv.reader([text], strict=True), []), "cells"
        except csv.Error:
            return None, "quotation_marks"

    def _text(self, content: bytes) -> str | None:
        """Decode; in a GB18030 file a line that is UTF-8 would read as other characters, so it is refused."""
        try:
            if self._encoding == "gb18030" and not content.isascii() and _decodes(content, "utf-8"):
                return None
            return str(content, self.encoding)
        except UnicodeDecodeError:
            return None

    def _salvaged(self, record: Record) -> Sequence[str]:
        """Return cells that are good enough to tell which household a broken line belongs to, and are never used otherwise."""
        text = (record.content or b"").decode(self.encoding, "replace").replace('"', "")
        return [*text.split(","), *[""] * self._width][: self._width - 1]


def _without_bom(record: Record) -> Record:
    """Take a UTF-8 BOM off the first line; refuse UTF-16, which is neither of the two encodings."""
    content = record.content
    if content is None:
        return record
    if content.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        raise InvalidInput.at("", "encoding", "UTF-8 or GB18030, not UTF-16")
    return Record(record.line, content.removeprefix(BOM_UTF8))


def _decodes(content: bytes, encoding: Encoding) -> bool:
    try:
        content.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
