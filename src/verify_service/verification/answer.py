"""The bytes of a finished verification's answer. The signed payload stands in it verbatim, never parsed and written again."""

from base64 import urlsafe_b64decode


def answer_bytes(verification: bytes, payload: bytes, jws: bytes) -> bytes:
    """Return {"verification": …, "report": …, "jws": "…"} from JSON, canonical report and compact JWS."""
    return b"".join((b'{"verification":', verification, b',"report":', payload, b',"jws":"', jws, b'"}'))


def payload_of(jws: bytes) -> bytes:
    """Return the payload of a compact JWS of ours; the signature is not looked at. Raises ValueError."""
    _, payload, _ = jws.split(b".")
    return urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
