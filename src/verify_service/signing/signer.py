"""Sign a report: a compact JWS (RFC 7515) whose payload is exactly the report's canonical bytes.

The algorithm is written "EdDSA" (RFC 8037), not "Ed25519" (RFC 9864, which deprecates the former): both mean the same
signature here, and the older name is the one that released JOSE libraries understand.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from verify_service.signing import base64url
from verify_service.signing.canonical import canonical_bytes, sha256_hex
from verify_service.signing.keyring import SigningKey

ALGORITHM = "EdDSA"
TYPE = "verify-report+jws"


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed report: canonical bytes, compact JWS, SHA-256 of the canonical bytes in hex, key id. repr shows digest and kid alone."""

    payload: bytes = field(repr=False)
    jws: str = field(repr=False)
    digest: str
    kid: str


def sign(report: Mapping[str, object], key: SigningKey, *, typ: str = TYPE) -> Signed:
    """Sign a report, or a document of another type. The type is signed too, so that one cannot pass for the other.

    Raises NoCanonicalForm (a TypeError) unless it is plain JSON without floats, ValueError if the key is retired.
    """
    payload = canonical_bytes(report)
    signing_input = f"{_encoded_header(key.kid, typ)}.{base64url.encode(payload)}"
    signature = base64url.encode(key.sign(signing_input.encode("ascii")))
    return Signed(payload, f"{signing_input}.{signature}", sha256_hex(payload), key.kid)


def protected_header(kid: str, typ: str = TYPE) -> dict[str, object]:
    """Return the only header that a report of ours has."""
    return {"alg": ALGORITHM, "kid": kid, "typ": typ}


@lru_cache(maxsize=64)
def _encoded_header(kid: str, typ: str) -> str:
    return base64url.encode(canonical_bytes(protected_header(kid, typ)))
