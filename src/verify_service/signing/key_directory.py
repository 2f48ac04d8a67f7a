"""A directory that keeps the ring.

    index.json    every key that was ever active: kid, x, created_at, state
    <kid>.pem     the active key, PKCS #8, mode 0600; deleted once the key is retired
    *.new         either of them, not in force yet

Other files may lie beside them and are left alone.

A change is staged in *.new files and comes into force when index.json is renamed, so a power cut leaves the old ring or
the new one. A lock on the directory lets one process at a time read or change it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from verify_service.errors import ConfigurationError
from verify_service.signing import base64url
from verify_service.signing.keyring import KeyRing, SigningKey, active_key, thumbprint


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    kid: str
    x: str
    created_at: AwareDatetime
    state: Literal["active", "retired"]


class _Index(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    keys: list[_Entry]


class KeyDirectory:
    """The store in a directory (made with mode 0700). Raises ConfigurationError if it is absent and `create` is false."""

    def __init__(self, path: Path, *, create: bool = False) -> None:
        self._path = path
        self._index = path / "index.json"
        with _os_errors():
            if create:
                _make(path)
            elif not path.is_dir():
                raise ConfigurationError(f"there is no key directory {path}")

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """Lock the directory itself: the lock ends with the process, so a killed one leaves nothing to clean up."""
        with _os_errors():
            descriptor = os.open(self._path, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def load(self) -> KeyRing | None:
        """Return the ring, or None if the directory holds neither index nor key. Raises ConfigurationError."""
        with _os_errors():
            if self._index.exists():
                return KeyRing(tuple(map(self._read_key, self._read_index().keys)))
            if any(self._path.glob("*.pem")):
                raise ConfigurationError(f"{self._index} is missing, but there are keys")
        return None

    def save(self, ring: KeyRing) -> None:
        """Keep the ring: see the module for the order of the steps. Raises ConfigurationError."""
        pem = self._pem(ring.active.kid)
        with _os_errors():
            _write(_staged(pem), _pem_bytes(ring.active))
            _write(_staged(self._index), _index_bytes(ring))
            _publish(self._index)
            _publish(pem)
            for unused in {*self._path.glob("*.pem.new"), *(self._pem(key.kid) for key in ring.keys)} - {pem}:
                unused.unlink(missing_ok=True)

    def _pem(self, kid: str) -> Path:
        return self._path / f"{kid}.pem"

    def _read_index(self) -> _Index:
        try:
            return _Index.model_validate_json(self._index.read_bytes())
        except ValidationError:
            raise ConfigurationError(f"{self._index} is damaged") from None

    def _read_key(self, entry: _Entry) -> SigningKey:
        public = _read_public(entry)
        if public is None:  # before any path is made from the kid
            raise ConfigurationError(f"{self._index} is damaged: a kid does not belong to its key")
        if entry.state == "retired":
            return SigningKey(entry.kid, public, entry.created_at, "retired", None)
        pem = self._pem(entry.kid)
        if _staged(pem).exists():  # the power went after the index came into force
            _publish(pem)
        key = active_key(_read_pem(pem), created_at=entry.created_at)
        if key.kid != entry.kid:
            raise ConfigurationError(f"{pem} holds another key")
        return key


def _read_public(entry: _Entry) -> bytes | None:
    try:
        public = base64url.decode(entry.x)
    except ValueError:
        return None
    return public if len(public) == 32 and thumbprint(public) == entry.kid else None


def _read_pem(path: Path) -> Ed25519PrivateKey:
    damaged = ConfigurationError(f"{path} is damaged, or not an unencrypted Ed25519 key in PEM")
    try:
        private = load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise damaged from None
    if not isinstance(private, Ed25519PrivateKey):
        raise damaged
    return private


def _pem_bytes(key: SigningKey) -> bytes:
    if not isinstance(key.private, Ed25519PrivateKey):
        raise ConfigurationError(f"key {key.kid} cannot be kept in a file")
    return key.private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _index_bytes(ring: KeyRing) -> bytes:
    entries = [_Entry(kid=key.kid, x=base64url.encode(key.public), created_at=key.created_at, state=key.state) for key in ring.keys]
    return _Index(keys=entries).model_dump_json(indent=2).encode()


def _staged(path: Path) -> Path:
    return path.with_name(f"{path.name}.new")


def _make(path: Path) -> None:
    """Make the directory and what is missing above it, and flush each name to the disk."""
    missing = [level for level in (path, *path.parents) if not level.exists()]
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    for level in missing:
        _flush_directory(level.parent)


def _write(path: Path, content: bytes) -> None:
    """Write a file (mode 0600) and flush it and its name to the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    _flush_directory(path.parent)


def _publish(path: Path) -> None:
    """Put a staged file in force before anything else happens."""
    _staged(path).replace(path)
    _flush_directory(path.parent)


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _os_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise ConfigurationError(f"{error.filename}: {error.strerror}") from error
