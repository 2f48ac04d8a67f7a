"""Verify a signed report with nothing but the published key set.

Stricter than a JOSE library on purpose: one algorithm, one set of header members, one spelling of every byte. Whatever
we did not write ourselves, exactly so, is refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn

import orjson
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from verify_service.errors import SignatureInvalid
from verify_service.signing import base64url
from verify_service.signing.canonical import NoCanonicalForm, canonical_bytes
from verify_service.signing.signer import ALGORITHM, protected_header

Reason = Literal[
    "malformed",  # not three base64url parts, or a part is not what it must be
    "wrong_algorithm",  # not EdDSA, or the named key is not an Ed25519 signature key
    "unexpected_header",  # a member is missing, superfluous (crit, jwk, jku, x5u, b64 …) or has another value
    "unknown_key",  # the key set does not hold exactly one key of this kid
    "bad_signature",  # header or payload were changed, or another key signed
    "not_canonical",  # header or payload are not in RFC 8785 form
    "report_differs",  # the readable report beside the signature is not the signed one
]


@dataclass(frozen=True, slots=True)
class VerifiedReport:
    """A report whose signature holds. `payload` is the signed bytes; repr shows the kid alone."""

    kid: str
    payload: bytes = field(repr=False)
    report: dict[str, Any] = field(repr=False)


def verify(jws: str, jwks: Mapping[str, Any]) -> VerifiedReport:
    """Verify a compact JWS with a JWK set (RFC 7517 §5) and read the report. Raises SignatureInvalid with a Reason."""
    header, payload = verify_signature(jws, jwks)
    report = _read_object(payload)
    _require_canonical(report, payload)
    return VerifiedReport(header["kid"], payload, report)


def verify_signature(jws: str, jwks: Mapping[str, Any]) -> tuple[dict[str, Any], bytes]:
    """Return header and payload of a compact JWS whose signature holds; the payload is not looked at. Raises SignatureInvalid."""
    header_bytes, payload, signature = decode_parts(jws)
    header = _read_header(header_bytes)
    public = _public_key(_key_named(header["kid"], jwks))
    if not signature_holds(public, signature, jws.rpartition(".")[0].encode("ascii")):
        refuse("bad_signature")
    return header, payload


def signature_holds(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether an Ed25519 signature (64 bytes) over the message holds for a public key (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def decode_parts(jws: str) -> list[bytes]:
    """Return the bytes of header, payload and signature; nothing is verified yet. Raises SignatureInvalid."""
    parts = jws.split(".", 3)
    if len(parts) != 3:
        refuse("malformed")
    return [_decode(part) for part in parts]


def refuse(reason: Reason) -> NoReturn:
    raise SignatureInvalid(reason) from None


def _decode(text: str) -> bytes:
    try:
        return base64url.decode(text)
    except ValueError:
        refuse("malformed")


def _read_header(header_bytes: bytes) -> dict[str, Any]:
    header = _read_object(header_bytes)
    if header.get("alg") != ALGORITHM:
        refuse("wrong_algorithm")
    kid = header.get("kid")
    if not isinstance(kid, str) or header != protected_header(kid):
        refuse("unexpected_header")
    _require_canonical(header, header_bytes)
    return header


def _read_object(data: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        refuse("malformed")
    if not isinstance(value, dict):
        refuse("malformed")
    return value


def _require_canonical(value: Mapping[str, Any], data: bytes) -> None:
    """Write the value again and expect the same bytes: then no member came twice, no number or string was spelt otherwise."""
    try:
        canonical = canonical_bytes(value)
    except NoCanonicalForm:
        refuse("not_canonical")
    if canonical != data:
        refuse("not_canonical")


def _key_named(kid: str, jwks: Mapping[str, Any]) -> Mapping[str, Any]:
    keys = jwks.get("keys")
    named = [key for key in keys if isinstance(key, Mapping) and key.get("kid") == kid] if isinstance(keys, list) else []
    if len(named) != 1:
        refuse("unknown_key")
    return named[0]


def _public_key(jwk: Mapping[str, Any]) -> bytes:
    """Return the 32 bytes of a key that is for Ed25519 signatures and nothing else."""
    expected = {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": ALGORITHM}
    stated = {"use": "sig", "alg": ALGORITHM, **jwk}
    operations = jwk.get("key_ops", ["verify"])
    if any(stated.get(name) != value for name, value in expected.items()) or operations != ["verify"]:
        refuse("wrong_algorithm")
    x = jwk.get("x")
    public = _decode(x) if isinstance(x, str) else b""
    if len(public) != 32:
        refuse("malformed")
    return public
