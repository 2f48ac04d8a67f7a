import base64
import json

import pytest

from verify_service.signing.canonical import NoCanonicalForm, canonical_bytes, sha256_hex
from verify_service.signing.keyring import rotate
from verify_service.signing.signer import sign


def part(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_the_payload_is_exactly_the_canonical_report(report, signed):
    header, payload, signature = signed.jws.split(".")
    assert part(payload) == signed.payload == canonical_bytes(report)
    assert len(part(signature)) == 64
    assert "=" not in header + payload + signature
    assert signed.digest == sha256_hex(signed.payload)


def test_the_header_names_algorithm_key_and_type_and_nothing_else(ring, signed):
    header = json.loads(part(signed.jws.split(".")[0]))
    assert header == {"alg": "EdDSA", "kid": ring.active.kid, "typ": "verify-report+jws"}


def test_the_same_report_signed_twice_gives_the_same_bytes(report, ring, signed):
    assert sign(dict(reversed(report.items())), ring.active) == signed


def test_repr_shows_digest_and_key_alone(signed):
    assert repr(signed) == f"Signed(digest={signed.digest!r}, kid={signed.kid!r})"


def test_a_float_or_a_retired_key_signs_nothing(ring, now):
    with pytest.raises(NoCanonicalForm):
        sign({"amount": 0.1}, ring.active)
    with pytest.raises(ValueError, match="signs no more"):
        sign({}, rotate(ring, now).keys[1])
