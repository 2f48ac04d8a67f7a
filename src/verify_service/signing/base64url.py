"""Base64url without padding, as JOSE writes it (RFC 7515 §2): one spelling for each byte string, no other is read."""

import base64


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the bytes. Raises ValueError for padding, white space, foreign characters and trailing bits that are not zero."""
    data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if encode(data) != text:
        raise ValueError("not the one base64url spelling")
    return data
