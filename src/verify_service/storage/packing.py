"""How a compact JWS is kept: its payload is JSON again, compressed, and not the base64url of it, which nothing makes smaller.

Packed: `0x01 | header "." signature | line feed | deflated payload`. What does not come back byte for byte is kept as it is; so is
what was stored before there was packing. No JWS begins with 0x01.
"""

import zlib
from binascii import Error

import pybase64
from isal import isal_zlib

_PACKED, _LEVEL = b"\x01", 1


def pack(jws: bytes, payload: bytes | None = None) -> bytes:
    """Return the bytes to keep. `payload`: what is signed, from whoever has just signed it and need not decode it."""
    parts = jws.split(b".")
    if payload is None:
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
    return pybase64.urlsafe_b64encode(payload).rstrip(b"=")


def _decode(encoded: bytes) -> bytes | None:
    """Return the payload, or None when it would not come back as the same text."""
    if b"+" in encoded or b"/" in encoded:
        return None
    try:
        payload = pybase64.b64decode(encoded + b"=" * (-len(encoded) % 4), b"-_", validate=True)
    except Error:
        return None
    return payload if _encode(payload) == encoded else None
