"""What the pages of a Parquet file say of themselves, read before anybody unpacks one.

The footer's sizes are only told; a reader takes as much memory as the header of each page demands. So the headers are walked as
the reader will walk them: from the chunk's first page, by the packed sizes, until its values are all there. Their form is
Thrift's compact protocol (apache/parquet-format, `parquet.thrift`: PageHeader), of which the few whole numbers are kept.
"""

from typing import Any

# parquet.thrift: the number of a field in PageHeader, and of the fields in the headers of the two kinds of data page.
_UNPACKED, _PACKED, _DATA_PAGE, _DATA_PAGE_V2 = 2, 3, 5, 8
_VALUES, _ENCODING, _ENCODING_V2 = 1, 2, 4
# PLAIN, PLAIN_DICTIONARY, RLE, DELTA_BINARY_PACKED, RLE_DICTIONARY, BYTE_STREAM_SPLIT: a page holds what it unpacks to.
# Not DELTA_LENGTH_BYTE_ARRAY and DELTA_BYTE_ARRAY, in which few bytes stand for any number of long values.
_ENCODINGS = frozenset({0, 2, 3, 5, 8, 9})
_MOST_DEPTH = 8
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_NUMBERS = frozenset({4, 5, 6})
_LONG_LIST, _MOST_VARINT_BITS = 15, 63


class PageError(ValueError):
    """A page breaks a rule: `parquet`, or `page_encoding`."""

    def __init__(self, rule: str = "parquet") -> None:
        super().__init__(rule)
        self.rule = rule


def unpacked_bytes(content: memoryview, chunk: Any) -> int:
    """Return what the pages of a column chunk take when they are unpacked, by their own headers. Raises PageError."""
    at, end = _begin(chunk), _begin(chunk) + chunk.total_compressed_size
    seen = total = 0
    while seen < chunk.num_values:
        if not 0 < at < end <= len(content):
            raise PageError
        header, at = _header(content, at)
        unpacked, packed = header.get(_UNPACKED, -1), header.get(_PACKED, -1)
        if not (isinstance(unpacked, int) and isinstance(packed, int) and unpacked >= 0 and packed >= 0):
            raise PageError
        seen += _values(header)
        total += unpacked
        at += packed
    return total


def _begin(chunk: Any) -> int:
    """Return where the chunk's first page stands."""
    first, dictionary = int(chunk.data_page_offset), chunk.dictionary_page_offset
    return min(first, dictionary) if dictionary else first


def _header(content: memoryview, at: int) -> tuple[dict[int, Any], int]:
    try:
        return _struct(content, at, 0)
    except IndexError:
        raise PageError from None


def _values(header: dict[int, Any]) -> int:
    """Return how many values a page holds; a page that is no data page holds none."""
    for kind, encoding in ((_DATA_PAGE, _ENCODING), (_DATA_PAGE_V2, _ENCODING_V2)):
        page = header.get(kind)
        if isinstance(page, dict):
            if page.get(encoding) not in _ENCODINGS:
                raise PageError("page_encoding")
            return max(0, int(page.get(_VALUES, 0)))
    return 0


def _struct(content: memoryview, at: int, depth: int) -> tuple[dict[int, Any], int]:
    """Return the whole numbers and structs of a struct by field number, and where it ends. Raises PageError, IndexError."""
    if depth > _MOST_DEPTH:
        raise PageError
    fields: dict[int, Any] = {}
    number = 0
    while mark := content[at]:
        at += 1
        number += mark >> 4
        if not mark >> 4:
            number, at = _whole(content, at)
        value, at = _field(content, at, mark & 15, depth)
        fields[number] = value
    return fields, at + 1


def _field(content: memoryview, at: int, kind: int, depth: int) -> tuple[Any, int]:
    if kind in {_TRUE, _FALSE}:
        return None, at
    if kind in _NUMBERS:
        return _whole(content, at)
    if kind == _STRUCT:
        return _struct(content, at, depth + 1)
    if kind in {_LIST, _SET}:
        return None, _past_list(content, at, depth)
    if kind == _BINARY:
        length, at = _varint(content, at)
        return None, at + length
    if kind in {_BYTE, _DOUBLE}:
        return None, at + (1 if kind == _BYTE else 8)
    raise PageError


def _past_list(content: memoryview, at: int, depth: int) -> int:
    mark, at = content[at], at + 1
    count = mark >> 4
    if count == _LONG_LIST:
        count, at = _varint(content, at)
    for _ in range(count):
        kind = mark & 15
        at = at + 1 if kind in {_TRUE, _FALSE} else _field(content, at, kind, depth + 1)[1]
        if at > len(content):
            raise PageError
    return at


def _whole(content: memoryview, at: int) -> tuple[int, int]:
    """Return a zigzag number and where it ends."""
    value, at = _varint(content, at)
    return (value >> 1) ^ -(value & 1), at


def _varint(content: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while (part := content[at]) & 0x80:
        value |= (part & 0x7F) << shift
        shift += 7
        at += 1
        if shift > _MOST_VARINT_BITS:
            raise PageError
    return value | part << shift, at + 1
