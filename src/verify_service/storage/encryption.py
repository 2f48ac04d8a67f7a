"""What is stored of a person is sealed: AES-256-GCM, bound to its place, and a blind index to find a number again.

A sealed field is `version (1) | key number (1) | nonce (12) | ciphertext and tag`. Every verification has a data key of
its own, derived from the root key: with random nonces one GCM key may seal at most 2**32 fields (NIST SP 800-38D 8.3),
which a nation's night of re-checks would pass. The associated data name table, column and row, so that a field which is
moved to another place does not open.

The key file is JSON: {"current": 1, "keys": {"1": "<base64, 32 bytes>"}, "index": "<base64, 32 bytes>"}. New fields are
sealed with `current`; older keys stay as long as a field needs them. The index key never changes.
"""

import hmac
import os
import secrets
import tempfile
from base64 import b64decode, b64encode
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from verify_service.domain.swift import swift
from verify_service.errors import ConfigurationError
from verify_service.storage.errors import DamagedField

_VERSION, _NONCE_BYTES, _KEY_BYTES = 1, 12, 32
_HEADER_BYTES = 2 + _NONCE_BYTES
_REMEMBERED_KEYS = 1024
_OTHERS_MAY = 0o027  # group may not write, the rest of the machine nothing


@swift
@dataclass(frozen=True, slots=True)
class Place:
    """Where a field stands: table, column, and the row as text. `scope` chooses the data key: a verification or client id."""

    table: str
    column: str
    scope: str
    row: str = ""

    @property
    def associated_data(self) -> bytes:
        """Return the bytes a seal is bound to; ids never contain the separator."""
        return f"{self.table}|{self.column}|{self.scope}|{self.row}".encode()


class FieldCipher:
    """Seals and opens fields. `keys` are root keys of 32 bytes by number (1 to 255); `current` seals."""

    def __init__(self, keys: Mapping[int, bytes], *, current: int, index_key: bytes) -> None:
        wrong_size = any(len(key) != _KEY_BYTES for key in (*keys.values(), index_key))
        if wrong_size or current not in keys or not all(0 < number < 256 for number in keys):
            raise ConfigurationError("field encryption needs keys of 32 bytes, numbered 1 to 255, and the current one among them")
        self._keys = dict(keys)
        self._current = current
        self._index_key = index_key
        self._derived: OrderedDict[tuple[int, str], AESGCM] = OrderedDict()

    def __repr__(self) -> str:
        """Show which keys there are, never a key."""
        return f"FieldCipher(current={self._current}, keys={sorted(self._keys)})"

    def seal(self, place: Place, content: bytes) -> bytes:
        """Return the sealed field."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._key(self._current, place.scope).encrypt(nonce, content, place.associated_data)
        return bytes((_VERSION, self._current)) + nonce + sealed

    def open(self, place: Place, field: bytes) -> bytes:
        """Return what was sealed at this place. Raises DamagedField."""
        if len(field) < _HEADER_BYTES or field[0] != _VERSION or field[1] not in self._keys:
            raise DamagedField(place.table, place.column)
        try:
            return self._key(field[1], place.scope).decrypt(field[2:_HEADER_BYTES], field[_HEADER_BYTES:], place.associated_data)
        except InvalidTag:
            raise DamagedField(place.table, place.column) from None

    def blind(self, tenant: str, value: str) -> str:
        """Return HMAC-SHA-256 in hexadecimal: equal values of one tenant meet, and nobody without the key can guess them."""
        return hmac.digest(self._index_key, f"{tenant}|{value}".encode(), "sha256").hex()

    def _key(self, number: int, scope: str) -> AESGCM:
        """Return the data key: HKDF-Expand (RFC 5869) of the root key for one scope, one block."""
        known = self._derived.get((number, scope))
        if known is not None:
            return known
        key = AESGCM(hmac.digest(self._keys[number], f"verify-service field {scope}".encode() + b"\x01", sha256))
        self._derived[number, scope] = key
        if len(self._derived) > _REMEMBERED_KEYS:
            self._derived.popitem(last=False)
        return key


def new_cipher() -> FieldCipher:
    """Return a cipher with fresh keys that are kept nowhere."""
    return _from_json(_fresh())


def load_cipher(path: Path, *, create: bool) -> FieldCipher:
    """Read the key file; with `create`, make it first if it is absent (mode 0600). Raises ConfigurationError."""
    try:
        if create and not path.exists():
            _create(path)
        if path.stat().st_mode & _OTHERS_MAY:
            raise ConfigurationError(f"{path} may be read or changed by others: chmod 600")
        return _from_json(path.read_bytes())
    except OSError as error:
        raise ConfigurationError(f"the field key {path} cannot be used: {error.strerror}") from error


def _fresh() -> bytes:
    key, index = (b64encode(secrets.token_bytes(_KEY_BYTES)).decode() for _ in range(2))
    return orjson.dumps({"current": 1, "keys": {"1": key}, "index": index}, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def _from_json(content: bytes) -> FieldCipher:
    try:
        entries = orjson.loads(content)
        keys = {int(number): b64decode(key, validate=True) for number, key in entries["keys"].items()}
        return FieldCipher(keys, current=entries["current"], index_key=b64decode(entries["index"], validate=True))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ConfigurationError("the field key file is not readable as one") from None


def _create(path: Path) -> None:
    """Write the file whole and durable, then give it its name; of two processes the first one wins."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(_fresh())
            file.flush()
            os.fsync(file.fileno())
        try:
            Path(path).hardlink_to(name)
        except FileExistsError:
            return
        _sync_directory(path.parent)
    finally:
        Path(name).unlink()


def _sync_directory(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
