"""Signing keys and the ring that holds them: one active key that signs, and every key that ever signed, for those who verify."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal, Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from verify_service.errors import ConfigurationError
from verify_service.signing import base64url


class PrivateKey(Protocol):
    """What can sign: a key in memory, or a handle to one that never leaves its module."""

    def sign(self, data: bytes, /) -> bytes:
        """Return the Ed25519 signature (64 bytes)."""
        ...


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One Ed25519 key. `public` is the 32 bytes of RFC 8032; a retired key has no private half. repr shows the kid alone."""

    kid: str
    public: bytes = field(repr=False)
    created_at: datetime = field(repr=False)
    state: Literal["active", "retired"] = field(repr=False)
    private: PrivateKey | None = field(repr=False, compare=False)

    def sign(self, data: bytes) -> bytes:
        """Return the signature (64 bytes). Raises ValueError if the key is retired."""
        if self.private is None:
            raise ValueError(f"key {self.kid} signs no more")
        return self.private.sign(data)

    def jwk(self) -> dict[str, str]:
        """Return the public JWK (RFC 8037 §2)."""
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url.encode(self.public), "kid": self.kid, "use": "sig", "alg": "EdDSA"}


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys, newest first. Raises ConfigurationError unless exactly one is active and can sign, and no kid comes twice."""

    keys: tuple[SigningKey, ...]

    def __post_init__(self) -> None:
        active = [key for key in self.keys if key.state == "active"]
        if len(active) != 1 or active[0].private is None:
            raise ConfigurationError("the key ring needs exactly one active signing key")
        if len({key.kid for key in self.keys}) != len(self.keys):
            raise ConfigurationError("the key ring holds a key twice")

    @property
    def active(self) -> SigningKey:
        return next(key for key in self.keys if key.state == "active")

    def jwks(self) -> dict[str, list[dict[str, str]]]:
        """Return the public key set, newest key first."""
        return {"keys": [key.jwk() for key in self.keys]}


def thumbprint(public: bytes) -> str:
    """Return the RFC 7638 thumbprint (SHA-256, base64url) of an Ed25519 public key of 32 bytes; it is the key's kid."""
    required = f'{{"crv":"Ed25519","kty":"OKP","x":"{base64url.encode(public)}"}}'
    return base64url.encode(hashlib.sha256(required.encode("ascii")).digest())


def generate_key(now: datetime) -> SigningKey:
    return active_key(Ed25519PrivateKey.generate(), created_at=now)


def active_key(private: Ed25519PrivateKey, *, created_at: datetime) -> SigningKey:
    public = private.public_key().public_bytes_raw()
    return SigningKey(thumbprint(public), public, created_at, "active", private)


def rotate(ring: KeyRing, now: datetime) -> KeyRing:
    """Return a ring with a new active key. The old one stays published and can sign no more."""
    return KeyRing((generate_key(now), *(replace(key, state="retired", private=None) for key in ring.keys)))
