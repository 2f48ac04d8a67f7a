"""Undo a gzip that nobody asked for, strictly: one whole member whose checksum and length hold, and nothing after it.

Registers behind a compressing proxy send gzip although identity was asked for. Libraries accept a cut one, or one without
its checksum, as if it were whole; here both are invalid.truncated. What is written is bounded before it is expanded.
"""

import zlib

from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.failures import invalid

MOST_RATIO = 50
_ALWAYS_ALLOWED_BYTES = 65_536  # small answers are repetitive: their ratio says nothing
_ONE_GZIP_MEMBER = 31


def gunzip(raw: bytes, *, limit: int) -> bytes:
    """Return the content. Raises invalid.limit beyond `limit` bytes or 50:1, truncated when cut, encoding when damaged."""
    allowed = min(limit, max(_ALWAYS_ALLOWED_BYTES, MOST_RATIO * len(raw)))
    member = zlib.decompressobj(_ONE_GZIP_MEMBER)
    try:
        content = member.decompress(raw, allowed + 1)
    except zlib.error:
        raise invalid(OutcomeCode.ENCODING, "gzip does not hold") from None
    if len(content) > allowed:
        raise invalid(OutcomeCode.LIMIT, "decoded body" if allowed == limit else "compression ratio")
    if not member.eof:
        raise invalid(OutcomeCode.TRUNCATED, "gzip without its end")
    if member.unused_data:
        raise invalid(OutcomeCode.ENCODING, "more after the gzip")
    return content
