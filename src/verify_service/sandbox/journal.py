"""A simulated register's own journal: an append-only file of what it was asked and what it told, which no client can touch.

Two lines of JSON for every message: `asked` when it is understood, `told` when its answer is on the socket or is not. People
are named by a keyed hash; the key lies beside the journals, so that only who has both can say who a line is about. The
bytes of an answer are kept when everybody in it is of the fictional region 99xxxx.
"""

import base64
import hashlib
import hmac
import os
import secrets
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import orjson

_KEY_FILE = "key"
_FICTIONAL = "99"
WHOLE = "whole"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to a register with its answer. `way` is method and path; `name` is what the message was sent under."""

    way: str
    status: int
    asked: bytes = field(repr=False)
    told: bytes = field(repr=False)
    people: Sequence[str] = field(default=(), repr=False)
    name: str = ""
    ticket: str = ""


@dataclass(slots=True)
class Entry:
    """What becomes of an answer: `whole`, the fault that spoilt it, or `gone` when the connection was."""

    fate: str = WHOLE


class Journal:
    """One source's file in a folder of journals. Every line is one write to a file that is opened for appending."""

    def __init__(self, folder: Path, source: str, *, clock: Callable[[], datetime]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._key = _key(folder / _KEY_FILE)
        self._file = os.open(folder / f"{source}.ndjson", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._source, self._clock, self._number = source, clock, 0

    @contextmanager
    def entered(self, message: Message) -> Iterator[Entry]:
        """Enter a message, and at the end of the block what became of its answer."""
        self._number += 1
        number, entry = self._number, Entry()
        subjects = [subject(self._key, person) for person in message.people]
        named = {"way": message.way, "name": message.name, "ticket": message.ticket, "digest": _digest(message.asked)}
        self._write({"what": "asked", "no": number, **named, "subjects": subjects})
        try:
            yield entry
        except BaseException:
            entry.fate = "gone" if entry.fate == WHOLE else entry.fate
            raise
        finally:
            answer = {"status": message.status, "digest": _digest(message.told), "body": _kept(message)}
            self._write({"what": "told", "no": number, "fate": entry.fate, **answer})

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write(self, line: dict[str, object]) -> None:
        row = {"at": self._clock().isoformat(), "source": self._source, **line}
        os.write(self._file, orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))


def subject(key: bytes, id_number: str) -> str:
    """Return how journals name a person: 32 hexadecimal characters."""
    return hmac.new(key, id_number.encode(), hashlib.sha256).hexdigest()[:32]


def _key(file: Path) -> bytes:
    """Return the folder's key, made when it is first needed (mode 0600)."""
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_hex(32), encoding="ascii")
    return bytes.fromhex(file.read_text(encoding="ascii"))


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _kept(message: Message) -> str | None:
    if not message.people or not all(person.startswith(_FICTIONAL) for person in message.people):
        return None
    return base64.b64encode(zlib.compress(message.told, 1)).decode("ascii")
