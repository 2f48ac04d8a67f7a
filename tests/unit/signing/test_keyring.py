from dataclasses import replace
from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verify_service.errors import ConfigurationError
from verify_service.signing.keyring import KeyRing, active_key, generate_key, rotate, thumbprint


def test_the_kid_is_the_rfc7638_thumbprint():
    # RFC 8037, A.1 and A.3
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert thumbprint(public) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_the_published_key_is_a_public_ed25519_signature_key(now):
    # RFC 8032 §7.1, test 1
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"))
    ring = KeyRing((active_key(private, created_at=now),))
    assert ring.jwks() == {
        "keys": [
            {
                "kty": "OKP",
                "crv": "Ed25519",
                "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
                "kid": "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
                "use": "sig",
                "alg": "EdDSA",
            }
        ]
    }


def test_rotation_publishes_the_old_key_and_takes_its_signature_away(ring, now):
    old = ring.active
    rotated = rotate(ring, now + timedelta(days=90))
    assert rotated.active.kid != old.kid
    assert [key["kid"] for key in rotated.jwks()["keys"]] == [rotated.active.kid, old.kid]
    assert [key.state for key in rotated.keys] == ["active", "retired"]
    with pytest.raises(ValueError, match=old.kid):
        rotated.keys[1].sign(b"anything")


def test_repr_shows_kids_alone(ring):
    kid = ring.active.kid
    assert repr(ring.active) == str(ring.active) == f"SigningKey(kid={kid!r})"
    assert repr(ring) == f"KeyRing(keys=(SigningKey(kid={kid!r}),))"


def test_a_ring_has_exactly_one_key_that_signs_and_none_twice(now):
    one, two = generate_key(now), generate_key(now)
    retired = replace(one, state="retired", private=None)
    for keys in [(), (one, two), (retired,), (replace(one, private=None),), (one, retired)]:
        with pytest.raises(ConfigurationError):
            KeyRing(keys)
