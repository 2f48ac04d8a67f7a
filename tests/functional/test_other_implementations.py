"""A signed report verified by programs that are not ours, with nothing but the published key set."""

import base64
import json
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from joserfc import jws as joserfc_jws
from joserfc.errors import BadSignatureError, SecurityWarning
from joserfc.jwk import KeySet

from verify_service.signing.keyring import KeyRing, generate_key, rotate
from verify_service.signing.signer import Signed, sign

NOW = datetime(2026, 3, 2, tzinfo=UTC)
REPORT = {"household": "示例家庭", "version": 1, "total_fen": 565_313, "missing": ["securities"]}


@pytest.fixture(scope="module")
def published() -> tuple[Signed, str]:
    """Return a signed report, and the key set as text, after a rotation: the signing key is the second one."""
    ring = KeyRing((generate_key(NOW),))
    return sign(REPORT, ring.active), json.dumps(rotate(ring, NOW).jwks())


def decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def damaged(text: str) -> str:
    return text[:-10] + ("A" if text[-10] != "A" else "B") + text[-9:]


def test_joserfc_verifies_it(published):
    signed, jwks = published
    keys = KeySet.import_key_set(json.loads(jwks))
    with pytest.warns(SecurityWarning, match="EdDSA"):  # it would rather have the name of RFC 9864
        verified = joserfc_jws.deserialize_compact(signed.jws, keys, algorithms=["EdDSA"])
    assert verified.payload == signed.payload
    with pytest.warns(SecurityWarning, match="EdDSA"), pytest.raises(BadSignatureError):
        joserfc_jws.deserialize_compact(damaged(signed.jws), keys, algorithms=["EdDSA"])


def openssl_verifies(openssl: str, folder: Path, jws: str, jwks: str) -> bool:
    header, payload, signature = jws.split(".")
    kid = json.loads(decoded(header))["kid"]
    (x,) = (key["x"] for key in json.loads(jwks)["keys"] if key["kid"] == kid)
    # RFC 8410: the fixed DER prefix of an Ed25519 SubjectPublicKeyInfo, then the 32 bytes of the key
    (folder / "public.der").write_bytes(bytes.fromhex("302a300506032b6570032100") + decoded(x))
    (folder / "signature").write_bytes(decoded(signature))
    (folder / "message").write_text(f"{header}.{payload}")
    command = "pkeyutl -verify -rawin -pubin -keyform DER -inkey public.der -sigfile signature -in message"
    done = subprocess.run([openssl, *command.split()], cwd=folder, capture_output=True, text=True, check=False, timeout=30)
    assert ("Signature Verified Successfully" in done.stdout) is (done.returncode == 0), done.stderr
    assert done.returncode == 0 or "Signature Verification Failure" in done.stdout, done.stderr
    return done.returncode == 0


def test_openssl_verifies_it(published, tmp_path):
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("the openssl command is not installed")
    signed, jwks = published
    assert openssl_verifies(openssl, tmp_path, signed.jws, jwks)
    assert not openssl_verifies(openssl, tmp_path, damaged(signed.jws), jwks)
