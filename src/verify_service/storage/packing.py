"""How a compact JWS is kept: its payload is JSON again, compressed, and not the base64url of it, which nothing makes smaller.

Packed: `0x01 | header "." signature | line feed | deflated payload`. What does not come back byte for byte is kept as it is; so is
what was stored before there was packing. No JWS begins with 0x01.
"""

import zlib
from binascii import Error, a2b_base64, b2a_base64

from isal import isal_zlib

_PACKED, _LEVEL = b"\x01", 1
_FROM_URL, _TO_URL = bytes.maketrans(b"-_", b"+/"), bytes.maketrans(b"+/", b"-_")


def pack(jws: bytes) -> bytes:
    """Return the bytes to keep."""
    parts = jws.split(b".")
    payload = _decode(parts[1]) if len(parts) == 3 and b"\n" not in jws else None
    if payload is None:
        return jws
    header, _, signature = parts
    return b"".join((_PACKED, header, b".", signature, b"\n", isal_zlib.compress(payload, _LEVEL)))


def unpack(kept: bytes) -> bytes:
    """Return the JWS."""
    if not kept.startswith(_PACKED):
        return kept
    parts, _, deflated = kept[1:].partition(b"\n")
    header, _, signature = parts.partition(b".")
    return b".".join((header, _encode(zlib.decompress(deflated)), signature))


def _encode(payload: bytes) -> bytes:
    return b2a_base64(payload, newline=False).rstrip(b"=").translate(_TO_URL)


def _decode(encoded: bytes) -> bytes | None:
    """Return the payload, or None when it would not come back as the same text."""
    try:
        payload = a2b_base64(encoded.translate(_FROM_URL) + b"=" * (-len(encoded) % 4))
    except Error:
        return None
    return payload if _encode(payload) == encoded else None
