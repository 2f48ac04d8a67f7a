"""Messages of the PostgreSQL wire protocol, version 3: building the server's, taking the client's apart.

Numbers are big-endian; a string ends with a zero byte; a message is its type, its length including itself, its content.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_TEXT_OID = 25
_TEXT_ARRAY_OID = 1009


class ProtocolViolation(Exception):
    """The client sent what the protocol does not allow here; the connection ends."""


@dataclass(slots=True)
class Content:
    """The content of one message, read from the front."""

    data: bytes
    place: int = 0

    def take(self, length: int) -> bytes:
        """Return the next bytes. Raises ProtocolViolation when there are fewer."""
        if length < 0 or self.place + length > len(self.data):
            raise ProtocolViolation("message too short")
        self.place += length
        return self.data[self.place - length : self.place]

    def number(self, layout: str) -> int:
        """Return the next integer: h is 16 bits, i 32, B an unsigned byte."""
        (value,) = struct.unpack(f"!{layout}", self.take(struct.calcsize(layout)))
        return int(value)

    def string(self) -> str:
        """Return the text up to the next zero byte."""
        end = self.data.find(b"\0", self.place)
        text = self.take(end - self.place if end >= 0 else -1)
        self.place += 1
        return _decoded(text)

    def value(self) -> bytes | None:
        """Return a value with its length in front; -1 is null."""
        length = self.number("i")
        return None if length == -1 else self.take(length)

    def many(self, layout: str) -> list[int]:
        """Return integers with their number in front."""
        return [self.number(layout) for _ in range(self.number("h"))]


def _decoded(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise ProtocolViolation("not UTF-8") from None


def message(kind: bytes, content: bytes = b"") -> bytes:
    """Return one whole message."""
    return kind + struct.pack("!i", len(content) + 4) + content


def authentication(code: int, content: bytes = b"") -> bytes:
    """Return an R message: 10 names mechanisms, 11 and 12 carry SCRAM, 0 lets in."""
    return message(b"R", struct.pack("!i", code) + content)


def parameter_status(settings: Mapping[str, str]) -> bytes:
    """Return one S message per setting."""
    return b"".join(message(b"S", f"{name}\0{value}\0".encode()) for name, value in settings.items())


def error(sqlstate: str, text: str, *, severity: str = "ERROR") -> bytes:
    """Return an ErrorResponse. FATAL announces that the connection ends."""
    fields = {"S": severity, "V": severity, "C": sqlstate, "M": text}
    return message(b"E", b"".join(f"{key}{value}\0".encode() for key, value in fields.items()) + b"\0")


def row_description(columns: Sequence[str]) -> bytes:
    """Describe columns that are all of type text."""
    described = (name.encode() + struct.pack("!xihihih", 0, 0, _TEXT_OID, -1, -1, 0) for name in columns)
    return message(b"T", struct.pack("!h", len(columns)) + b"".join(described))


def data_rows(rows: Sequence[Sequence[str | None]]) -> bytes:
    """Return one D message per row. Text and binary format of a text are the same bytes."""
    return b"".join(message(b"D", struct.pack("!h", len(row)) + b"".join(map(_cell, row))) for row in rows)


def _cell(text: str | None) -> bytes:
    if text is None:
        return b"\xff\xff\xff\xff"
    raw = text.encode()
    return struct.pack("!i", len(raw)) + raw


def parameter_description(oids: Sequence[int]) -> bytes:
    """Return a t message; a type that the client left open is text[]."""
    return message(b"t", struct.pack(f"!h{len(oids)}I", len(oids), *(oid or _TEXT_ARRAY_OID for oid in oids)))


def parameters(raw: Sequence[bytes | None], formats: Sequence[int]) -> list[str | None]:
    """Return bound values as the database would print them. Binary (format 1) is understood for text[] only."""
    spread = list(formats) * len(raw) if len(formats) == 1 else list(formats) or [0] * len(raw)
    if len(spread) != len(raw):
        raise ProtocolViolation("format codes")
    return [None if value is None else _array_text(value) if form else _decoded(value) for value, form in zip(raw, spread, strict=True)]


def _array_text(raw: bytes) -> str:
    """Turn the binary form of a one-dimensional text[] into its text form."""
    content = Content(raw)
    dimensions, _nulls, _oid = content.number("i"), content.number("i"), content.number("i")
    if dimensions not in {0, 1}:
        raise ProtocolViolation("only lists of text")
    size = content.number("i") if dimensions else 0
    content.take(4 if dimensions else 0)
    return array_literal([_decoded(value) for value in (content.value() for _ in range(size)) if value is not None])


def array_literal(items: Sequence[str]) -> str:
    """Return a text[] as text, every element quoted."""
    quoted = (item.replace("\\", "\\\\").replace('"', '\\"') for item in items)
    return "{" + ",".join(f'"{item}"' for item in quoted) + "}"
