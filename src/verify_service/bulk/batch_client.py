"""A client of the batch API for the command line: hand a file in, watch it, fetch what came of it."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from verify_service.bulk.forms import MEDIA_TYPES
from verify_service.errors import ConfigurationError, VerifyError
from verify_service.storage.batch_records import FileForm

_PIECE = 1 << 16
_EVERY_SECONDS = 1.0
_ENDED = frozenset({"completed", "cancelled"})


class BatchRefused(VerifyError):
    """The service refused."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the service is, and as whom it is asked."""

    base_url: str
    token: str = field(repr=False)

    @classmethod
    def read(cls, file: Path) -> "Access":
        """Read the file that `serve --sandbox` writes. Raises ConfigurationError."""
        try:
            made = json.loads(file.read_bytes())
            return cls(made["base_url"], made["access_token"])
        except (OSError, ValueError, KeyError):
            raise ConfigurationError(f"{file} does not hold base_url and access_token") from None


@dataclass(slots=True)
class BatchClient:
    """Speaks to one service."""

    access: Access
    console: Console

    def submit(self, file: Path, *, validate_only: bool) -> dict[str, Any]:
        """Hand a file in. Its digest is the Idempotency-Key: the same file again gives the same receipt. Raises BatchRefused."""
        headers = {"Content-Type": MEDIA_TYPES[_form(file)], "Idempotency-Key": _digest(file)}
        query = {"validate_only": "true"} if validate_only else {}
        with self._http() as http:
            return _answer(http.post("/v1/batches", content=_pieces(file), headers=headers, params=query))

    def batch(self, batch_id: str) -> dict[str, Any]:
        """Return how far it is. Raises BatchRefused."""
        with self._http() as http:
            return dict(_answer(http.get(f"/v1/batches/{batch_id}"))["batch"])

    def act(self, batch_id: str, act: str) -> dict[str, Any]:
        """Pause, resume, cancel or retry it. Raises BatchRefused."""
        with self._http() as http:
            return dict(_answer(http.post(f"/v1/batches/{batch_id}/{act}"))["batch"])

    def watch(self, batch_id: str) -> dict[str, Any]:
        """Show a bar until the batch is over. Raises BatchRefused."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task("waiting")
            while (batch := self.batch(batch_id))["state"] not in _ENDED:
                bar.update(task, total=batch["rows_in"], completed=batch["rows_in"] - batch["open"], description=_said(batch))
                time.sleep(_EVERY_SECONDS)
            bar.update(task, total=batch["rows_in"], completed=batch["rows_in"] - batch["open"], description=batch["state"])
        return batch

    def fetch(self, batch_id: str, what: str, out: Path) -> None:
        """Stream results or errors into a file, in the form that its name says. Raises BatchRefused."""
        with (
            self._http() as http,
            http.stream("GET", f"/v1/batches/{batch_id}/{what}", headers={"Accept": MEDIA_TYPES[_form(out)]}) as answer,
        ):
            if answer.is_error:
                answer.read()
                _answer(answer)
            with out.open("wb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)

    def _http(self) -> httpx.Client:
        headers = {"Authorization": f"Bearer {self.access.token}"}
        return httpx.Client(base_url=self.access.base_url, headers=headers, timeout=600, trust_env=False)


def _said(batch: dict[str, Any]) -> str:
    estimate = batch["estimate"]
    return batch["state"] if estimate is None else f"{estimate['reason']}, {batch['rows_per_minute']} a minute"


def _answer(answer: httpx.Response) -> dict[str, Any]:
    """Return the JSON, or raise what the problem says."""
    if answer.is_error:
        raise BatchRefused(f"{answer.status_code}: {answer.json().get('detail', '')}")
    return dict(answer.json())


def _form(file: Path) -> FileForm:
    """Return the form that a file's name says. Raises ConfigurationError."""
    for form in MEDIA_TYPES:
        if file.suffix == f".{form}":
            return form
    raise ConfigurationError(f"{file.name}: the name ends in {', '.join(f'.{form}' for form in MEDIA_TYPES)}")


def _digest(file: Path) -> str:
    hashed = sha256()
    for piece in _pieces(file):
        hashed.update(piece)
    return hashed.hexdigest()


def _pieces(file: Path) -> Iterator[bytes]:
    with file.open("rb") as opened:
        while piece := opened.read(_PIECE):
            yield piece
