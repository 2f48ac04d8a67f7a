"""Base64url without padding, as JOSE writes it (RFC 7515 §2): one spelling for each byte string, no other is read."""

import pybase64


def encode(data: bytes) -> str:
    return pybase64.b64encode_as_string(data, b"-_").rstrip("=")


def decode(text: str) -> bytes:
    """Return the bytes. Raises ValueError for padding, white space, foreign characters and trailing bits that are not zero."""
    if "+" in text or "/" in text:
        raise ValueError("base64, not base64url")
    data = pybase64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)
    if encode(data) != text:
        raise ValueError("not the one base64url spelling")
    return data
