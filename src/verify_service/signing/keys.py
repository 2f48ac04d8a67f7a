"""Keys at rest: open the ring a store keeps, and rotate it. The nouns are in keyring, the store on disk in key_directory."""

from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Protocol

from verify_service.errors import ConfigurationError
from verify_service.signing.key_directory import KeyDirectory
from verify_service.signing.keyring import KeyRing, SigningKey, generate_key, rotate

__all__ = ["KeyDirectory", "KeyRing", "KeyStore", "SigningKey", "generate_key", "load_keyring", "open_keyring", "rotate", "rotate_keyring"]


class KeyStore(Protocol):
    """Where a ring is kept: files, a database, a hardware module. Raises ConfigurationError for what is damaged or out of reach."""

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep every other process out until the block ends."""
        ...

    def load(self) -> KeyRing | None:
        """Return the ring, or None where no key was ever made."""
        ...

    def save(self, ring: KeyRing) -> None:
        """Keep the ring. When this returns it survives a power cut."""
        ...


def load_keyring(directory: Path, *, now: datetime, create: bool) -> KeyRing:
    """Return the ring kept in a directory; see open_keyring."""
    return open_keyring(KeyDirectory(directory, create=create), now=now, create=create)


def open_keyring(store: KeyStore, *, now: datetime, create: bool) -> KeyRing:
    """Return the stored ring; make and store the first key if there is none and `create` says so. Raises ConfigurationError."""
    with store.exclusive():
        ring = store.load()
        if ring is None and create:
            ring = KeyRing((generate_key(now),))
            store.save(ring)
    if ring is None:
        raise ConfigurationError("there is no signing key")
    return ring


def rotate_keyring(store: KeyStore, *, now: datetime) -> KeyRing:
    """Replace the active key in the store and return the new ring. Raises ConfigurationError."""
    with store.exclusive():
        ring = store.load()
        if ring is None:
            raise ConfigurationError("there is no signing key to replace")
        ring = rotate(ring, now)
        store.save(ring)
    return ring
