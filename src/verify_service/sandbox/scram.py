"""The server's side of SCRAM-SHA-256 (RFC 5802, RFC 7677) as PostgreSQL uses it: no channel binding, user name outside."""

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field

MECHANISM = "SCRAM-SHA-256"
_ITERATIONS = 4096


class ScramRefused(Exception):
    """The client did not prove that it knows the password, or spoke another dialect."""


@dataclass(frozen=True, slots=True)
class Verifier:
    """What a server keeps instead of a password."""

    salt: bytes = field(repr=False)
    stored_key: bytes = field(repr=False)
    server_key: bytes = field(repr=False)

    @classmethod
    def of(cls, password: str, salt: bytes) -> "Verifier":
        """Derive the keys of a password; costs some milliseconds on purpose."""
        salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, _ITERATIONS)
        stored = hashlib.sha256(_hmac(salted, b"Client Key")).digest()
        return cls(salt, stored, _hmac(salted, b"Server Key"))


def _hmac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()


@dataclass(slots=True)
class Conversation:
    """One log-in: `first` answers the client's first message, `final` its proof."""

    verifier: Verifier
    nonce: Callable[[], str] = lambda: secrets.token_urlsafe(18)
    _header: str = ""
    _exchange: str = ""
    _nonce: str = ""

    def first(self, message: bytes) -> bytes:
        """Return the challenge. Raises ScramRefused."""
        binding, authorisation, bare = _text(message).split(",", 2) if message.count(b",") >= 2 else ("", "", "")
        fields = _fields(bare)
        if binding not in {"n", "y"} or "r" not in fields:
            raise ScramRefused
        self._header, self._nonce = f"{binding},{authorisation},", fields["r"] + self.nonce()
        challenge = f"r={self._nonce},s={base64.b64encode(self.verifier.salt).decode()},i={_ITERATIONS}"
        self._exchange = f"{bare},{challenge}"
        return challenge.encode()

    def final(self, message: bytes) -> bytes:
        """Return the server's own proof. Raises ScramRefused when the client's does not hold."""
        without_proof, _, proof = _text(message).rpartition(",p=")
        header = base64.b64encode(self._header.encode()).decode()
        if without_proof != f"c={header},r={self._nonce}" or not self._proves(without_proof, proof):
            raise ScramRefused
        signed = f"{self._exchange},{without_proof}".encode()
        return b"v=" + base64.b64encode(_hmac(self.verifier.server_key, signed))

    def _proves(self, without_proof: str, proof: str) -> bool:
        signature = _hmac(self.verifier.stored_key, f"{self._exchange},{without_proof}".encode())
        try:
            sent = base64.b64decode(proof, validate=True)
        except binascii.Error:
            return False
        client_key = bytes(a ^ b for a, b in zip(sent, signature, strict=False))
        return len(sent) == len(signature) and hmac.compare_digest(hashlib.sha256(client_key).digest(), self.verifier.stored_key)


def _text(message: bytes) -> str:
    try:
        return message.decode("ascii")
    except UnicodeDecodeError:
        raise ScramRefused from None


def _fields(bare: str) -> dict[str, str]:
    return {part[:1]: part[2:] for part in bare.split(",") if part[1:2] == "="}
