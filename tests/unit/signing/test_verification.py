import base64
import json
import string
from collections.abc import Mapping
from typing import get_args

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from verify_service.errors import SignatureInvalid
from verify_service.signing.keyring import SigningKey, generate_key, rotate
from verify_service.signing.signer import sign
from verify_service.signing.verification import Reason, verify, verify_signature

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def encoded(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def forged(key: SigningKey, header: object, payload: bytes = b'{"a":1}') -> str:
    """Sign with our own key what the signer would never write: a header (bytes, or an object to write as JSON) and any payload."""
    header_bytes = header if isinstance(header, bytes) else json.dumps(header, separators=(",", ":")).encode()
    signing_input = f"{encoded(header_bytes)}.{encoded(payload)}"
    return f"{signing_input}.{encoded(key.sign(signing_input.encode()))}"


def usual(key: SigningKey, **change: object) -> dict[str, object]:
    return {"alg": "EdDSA", "kid": key.kid, "typ": "verify-report+jws", **change}


def refusal(jws: str, jwks: Mapping[str, object]) -> str | None:
    """Return why the signature is refused, None if it is not."""
    try:
        verify(jws, jwks)
    except SignatureInvalid as invalid:
        refused = invalid
    else:
        return None
    assert refused.reason in get_args(Reason)
    assert refused.__suppress_context__  # no parser's error, which could quote the report, hangs on it
    return refused.reason


def test_a_signed_report_is_read_again(report, ring, signed):
    verified = verify(signed.jws, ring.jwks())
    assert (verified.kid, verified.payload, verified.report) == (ring.active.kid, signed.payload, report)
    assert repr(verified) == f"VerifiedReport(kid={ring.active.kid!r})"


def test_a_report_signed_before_a_rotation_still_verifies(ring, signed, now):
    assert refusal(signed.jws, rotate(rotate(ring, now), now).jwks()) is None


def test_the_helper_forges_what_the_signer_writes(ring):
    key = ring.active
    assert forged(key, usual(key)) == sign({"a": 1}, key).jws


def changed(jws: str, position: int, character: str) -> str:
    return jws[:position] + character + jws[position + 1 :]


def neighbour(character: str) -> str:
    """Return the base64url character that differs in the lowest bit, which is unused at the end of a part."""
    return ALPHABET[ALPHABET.index(character) ^ 1] if character in ALPHABET else "A"


def opposite(character: str) -> str:
    return ALPHABET[ALPHABET.index(character) ^ 32] if character in ALPHABET else "_"


@pytest.mark.parametrize(
    "flip", [neighbour, opposite, lambda character: chr(ord(character) ^ 1), lambda character: chr(ord(character) ^ 128)]
)
def test_a_change_of_any_one_character_is_refused(ring, signed, flip):
    jwks = ring.jwks()
    assert len(signed.payload) > 6000
    assert refusal(signed.jws, jwks) is None
    assert [at for at, old in enumerate(signed.jws) if refusal(changed(signed.jws, at, flip(old)), jwks) is None] == []


def test_every_other_character_anywhere_in_header_and_signature_is_refused(ring):
    jwks = ring.jwks()
    jws = sign({"a": 1}, ring.active).jws
    changes = [(at, new) for at, old in enumerate(jws) for new in ALPHABET + "=. \n" if new != old]
    assert [change for change in changes if refusal(changed(jws, *change), jwks) is None] == []


def test_a_missing_or_added_character_anywhere_is_refused(ring):
    jwks = ring.jwks()
    jws = sign({"a": 1}, ring.active).jws
    assert [at for at in range(len(jws)) if refusal(jws[:at] + jws[at + 1 :], jwks) is None] == []
    assert [(at, new) for at in range(len(jws) + 1) for new in "A=. \n\x00中" if refusal(jws[:at] + new + jws[at:], jwks) is None] == []


@given(st.text() | st.lists(st.text(ALPHABET), min_size=3, max_size=3).map(".".join))
def test_no_text_does_worse_than_being_refused(text):
    assert refusal(text, {"keys": []}) is not None


def padded(jws: str) -> str:
    return ".".join(part + "=" * (-len(part) % 4) for part in jws.split("."))


def with_trailing_bits(jws: str) -> str:
    """Set an unused bit at the end of the signature: 64 bytes leave four of them."""
    return jws[:-1] + neighbour(jws[-1])


def in_standard_base64(jws: str) -> str:
    return jws.replace("-", "+").replace("_", "/")


@pytest.mark.parametrize(
    "rewrite",
    [
        padded,
        with_trailing_bits,
        in_standard_base64,
        lambda jws: jws + "\n",
        lambda jws: " " + jws,
        lambda jws: jws + ".",
        lambda jws: jws + "." + jws,
        lambda jws: jws.rpartition(".")[0],
        lambda jws: jws.partition(".")[2],
        lambda _: "",
        lambda _: "..",
        lambda jws: json.dumps(dict(zip(("protected", "payload", "signature"), jws.split("."), strict=True))),
    ],
)
def test_another_spelling_of_the_same_signature_is_malformed(ring, signed, rewrite):
    assert rewrite(signed.jws) != signed.jws
    assert refusal(rewrite(signed.jws), ring.jwks()) == "malformed"


def headers(key: SigningKey) -> dict[str, tuple[object, str]]:
    """Return headers that our own key signed all the same, each with the reason that must refuse it."""
    jwk = key.jwk()
    text = json.dumps(usual(key), separators=(",", ":"))
    return {
        "none": (usual(key, alg="none"), "wrong_algorithm"),
        "None": (usual(key, alg="None"), "wrong_algorithm"),
        "lower case": (usual(key, alg="eddsa"), "wrong_algorithm"),
        "HS256": (usual(key, alg="HS256"), "wrong_algorithm"),
        "ES256": (usual(key, alg="ES256"), "wrong_algorithm"),
        "RFC 9864 name": (usual(key, alg="Ed25519"), "wrong_algorithm"),
        "alg is a list": (usual(key, alg=["EdDSA"]), "wrong_algorithm"),
        "no alg": ({"kid": key.kid, "typ": "verify-report+jws"}, "wrong_algorithm"),
        "no kid": ({"alg": "EdDSA", "typ": "verify-report+jws"}, "unexpected_header"),
        "kid is a number": (usual(key, kid=1), "unexpected_header"),
        "no typ": ({"alg": "EdDSA", "kid": key.kid}, "unexpected_header"),
        "another typ": (usual(key, typ="JWT"), "unexpected_header"),
        "crit": (usual(key, crit=["exp"], exp=1), "unexpected_header"),
        "crit empty": (usual(key, crit=[]), "unexpected_header"),
        "b64 false": (usual(key, b64=False, crit=["b64"]), "unexpected_header"),
        "b64 true": (usual(key, b64=True), "unexpected_header"),
        "jwk": (usual(key, jwk=jwk), "unexpected_header"),
        "jku": (usual(key, jku="https://example.org/jwks.json"), "unexpected_header"),
        "x5u": (usual(key, x5u="https://example.org/cert.pem"), "unexpected_header"),
        "x5c": (usual(key, x5c=["AA"]), "unexpected_header"),
        "member in vain": (usual(key, iat=1), "unexpected_header"),
        "another kid": (usual(key, kid="A" * 43), "unknown_key"),
        "kid twice": (text.replace('"kid"', '"kid":"x","kid"').encode(), "not_canonical"),
        "alg twice": (text.replace('"alg"', '"alg":"none","alg"').encode(), "not_canonical"),
        "space": (text.replace(",", ", ").encode(), "not_canonical"),
        "escaped": (text.replace("EdDSA", "\\u0045dDSA").encode(), "not_canonical"),
        "other order": (json.dumps(dict(reversed(usual(key).items())), separators=(",", ":")).encode(), "not_canonical"),
        "array": ([usual(key)], "malformed"),
        "not JSON": (b"{", "malformed"),
        "empty": (b"", "malformed"),
        "byte order mark": (b"\xef\xbb\xbf" + text.encode(), "malformed"),
        "UTF-16": (text.encode("utf-16-le"), "malformed"),
        "very deep": (b"[" * 100_000, "malformed"),
    }


def test_every_header_but_ours_is_refused_though_the_signature_holds(ring):
    key = ring.active
    expected = {name: reason for name, (_, reason) in headers(key).items()}
    assert {name: refusal(forged(key, header), ring.jwks()) for name, (header, _) in headers(key).items()} == expected


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b'{"a":1,"a":1}', "not_canonical"),
        (b'{"b":1,"a":1}', "not_canonical"),
        (b'{"a": 1}', "not_canonical"),
        (b'{"a":1}\n', "not_canonical"),
        (b'{"a":1.0}', "not_canonical"),
        (b'{"a":1.5}', "not_canonical"),
        (b'{"a":1e2}', "not_canonical"),
        (b'{"a":-0}', "not_canonical"),
        (b'{"a":9007199254740992}', "not_canonical"),
        (b'{"a":' + b"9" * 5000 + b"}", "malformed"),
        (b'{"a":"\\u0041"}', "not_canonical"),
        (b'{"a":"\\/"}', "not_canonical"),
        ('{"\ufb33":1,"\U0001f602":2}'.encode(), "not_canonical"),
        (b'{"a":' + b"[" * 400 + b"]" * 400 + b"}", "not_canonical"),
        (b'{"a":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "malformed"),
        (b'{"a":NaN}', "malformed"),
        (b'{"a":"\\ud800"}', "malformed"),
        (b'{"a":"\xff"}', "malformed"),
        (b"[]", "malformed"),
        (b"null", "malformed"),
        (b"", "malformed"),
        (b"foo", "malformed"),
    ],
    ids=lambda value: repr(value[:30]),
)
def test_a_payload_that_is_not_a_canonical_report_is_refused_though_the_signature_holds(ring, payload, reason):
    jws = forged(ring.active, usual(ring.active), payload)
    assert verify_signature(jws, ring.jwks()) == (usual(ring.active), payload)
    assert refusal(jws, ring.jwks()) == reason


def test_another_key_under_the_same_kid_does_not_verify(ring, now):
    other = {**generate_key(now).jwk(), "kid": ring.active.kid}
    assert refusal(sign({"a": 1}, ring.active).jws, {"keys": [other]}) == "bad_signature"


def test_a_part_of_another_report_does_not_fit(ring):
    one, two = (sign({"a": number}, ring.active).jws.split(".") for number in (1, 2))
    assert refusal(".".join([one[0], two[1], one[2]]), ring.jwks()) == "bad_signature"
    assert refusal(".".join([one[0], one[1], two[2]]), ring.jwks()) == "bad_signature"
    assert refusal(".".join([one[0], one[1], one[2][:80]]), ring.jwks()) == "bad_signature"
    assert refusal(f"{one[0]}.{one[1]}.", ring.jwks()) == "bad_signature"


def key_sets(jwk: dict[str, str], now) -> dict[str, tuple[object, str | None]]:
    """Return key sets, each with the reason that must refuse a report signed with the key (None: it verifies)."""
    exchange = encoded(X25519PrivateKey.generate().public_key().public_bytes_raw())
    bare = {name: jwk[name] for name in ("kty", "crv", "x", "kid")}
    return {
        "as published": ([jwk], None),
        "without use and alg": ([bare], None),
        "for verifying": ([{**jwk, "key_ops": ["verify"]}], None),
        "beside others": ([{"kty": "RSA", "kid": "other"}, "noise", generate_key(now).jwk(), jwk], None),
        "empty": ([], "unknown_key"),
        "not a list": ({"0": jwk}, "unknown_key"),
        "absent": (None, "unknown_key"),
        "kid of no key": ([{**jwk, "kid": "other"}], "unknown_key"),
        "kid of two keys": ([jwk, jwk], "unknown_key"),
        "X25519": ([{**jwk, "crv": "X25519", "x": exchange}], "wrong_algorithm"),
        "Ed448": ([{**jwk, "crv": "Ed448"}], "wrong_algorithm"),
        "EC": ([{**jwk, "kty": "EC"}], "wrong_algorithm"),
        "oct": ([{**jwk, "kty": "oct", "k": jwk["x"]}], "wrong_algorithm"),
        "for encryption": ([{**jwk, "use": "enc"}], "wrong_algorithm"),
        "for signing": ([{**jwk, "key_ops": ["sign"]}], "wrong_algorithm"),
        "for HS256": ([{**jwk, "alg": "HS256"}], "wrong_algorithm"),
        "x too short": ([{**jwk, "x": jwk["x"][:40]}], "malformed"),
        "x padded": ([{**jwk, "x": jwk["x"] + "="}], "malformed"),
        "x a number": ([{**jwk, "x": 1}], "malformed"),
        "x absent": ([{name: value for name, value in jwk.items() if name != "x"}], "malformed"),
        "x not a point": ([{**jwk, "x": encoded(b"\x02" + bytes(31))}], "bad_signature"),
    }


def test_only_the_one_ed25519_key_of_that_kid_is_used(ring, now):
    jws = sign({"a": 1}, ring.active).jws
    table = key_sets(ring.active.jwk(), now)
    assert {name: refusal(jws, {"keys": keys}) for name, (keys, _) in table.items()} == {
        name: reason for name, (_, reason) in table.items()
    }
    assert refusal(jws, {}) == "unknown_key"
