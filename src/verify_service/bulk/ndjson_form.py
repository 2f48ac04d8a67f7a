"""NDJSON as it streams in: one request a line, in UTF-8 as JSON has to be."""

from codecs import BOM_UTF8
from collections.abc import Iterator

from verify_service.bulk.household import Broken, ReadHousehold
from verify_service.bulk.records import Cutter, Record


class NdjsonReader:
    """Reads households out of NDJSON. Empty lines are passed over."""

    encoding = "utf-8"
    is_whole = False

    def __init__(self) -> None:
        self._cutter = Cutter(quoted=False)

    def feed(self, data: bytes) -> Iterator[ReadHousehold]:
        """Take bytes; yield the households that end in them."""
        for record in self._cutter.feed(data):
            yield from _household(record)

    def end(self) -> Iterator[ReadHousehold]:
        """Yield the rest."""
        for record in self._cutter.end():
            yield from _household(record)


def _household(record: Record) -> Iterator[ReadHousehold]:
    if record.content is None:
        yield ReadHousehold(record.line, None, [Broken(record.line, "", "line_too_long")])
        return
    content = record.content.removeprefix(BOM_UTF8) if record.line == 1 else record.content
    if content.strip():
        yield ReadHousehold(record.line, content)
