"""Cut a stream of bytes into records, in bounded memory: lines of NDJSON, or lines of CSV that a quoted cell may span.

A record is cut at bytes, before its encoding is known. That is safe for UTF-8 and GB18030 alike: in both, the bytes of
a line feed and of a quotation mark never are a part of another character.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_RECORD_BYTES = 1_000_000
MOST_RECORD_LINES = 100


@dataclass(frozen=True, slots=True)
class Record:
    """One record and the line it begins at, counted from 1. `content` is None when it was too long to keep."""

    line: int
    content: bytes | None = field(repr=False)

    def lines(self) -> "list[Record]":
        """Return its lines as records of their own: what a quotation mark that nobody closed has drawn together."""
        parts = () if self.content is None else self.content.split(b"\n")
        return [Record(self.line + i, part.removesuffix(b"\r")) for i, part in enumerate(parts)]


@dataclass(slots=True)
class Cutter:
    """Give it bytes as they come; it gives back whole records. With `quoted`, a record goes on inside quotation marks."""

    quoted: bool
    _line: int = 1
    _rest: bytearray = field(default_factory=bytearray, repr=False)
    _lines: int = 0
    _is_open: bool = False
    _too_long: bool = False

    def feed(self, data: bytes) -> Iterator[Record]:
        """Take bytes; yield the records that end in them."""
        *lines, tail = data.split(b"\n")
        for line in lines:
            self._keep(line)
            self._lines += 1
            if self._is_open and self._lines < MOST_RECORD_LINES and not self._too_long:
                self._rest += b"\n"
            else:
                yield self._cut()
        self._keep(tail)

    def end(self) -> Iterator[Record]:
        """Yield what follows the last line feed, if anything does."""
        if self._rest or self._too_long:
            self._lines += 1
            yield self._cut()

    def _keep(self, part: bytes) -> None:
        if self._too_long:
            return
        self._rest += part
        if self.quoted and part.count(b'"') % 2:
            self._is_open = not self._is_open
        if len(self._rest) > MOST_RECORD_BYTES:
            self._too_long = True
            self._rest.clear()

    def _cut(self) -> Record:
        record = Record(self._line, None if self._too_long else bytes(self._rest.removesuffix(b"\r")))
        self._line += self._lines
        self._lines, self._is_open, self._too_long = 0, False, False
        self._rest.clear()
        return record
