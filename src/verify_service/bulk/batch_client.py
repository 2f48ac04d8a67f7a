"""A client of the batch API for the command line: hand a file in, watch it, fetch what came of it."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from verify_service.bulk.access import Access, told
from verify_service.bulk.forms import MEDIA_TYPES
from verify_service.errors import ConfigurationError
from verify_service.storage.batch_records import FileForm

_PIECE = 1 << 16
_EVERY_SECONDS = 1.0
_ENDED = frozenset({"completed", "cancelled"})


@dataclass(slots=True)
class BatchClient:
    """Speaks to one service."""

    access: Access
    console: Console

    def submit(self, file: Path, *, validate_only: bool) -> dict[str, Any]:
        """Hand a file in. Its digest is the Idempotency-Key: the same file again gives the same receipt. Raises Refused."""
        headers = {"Content-Type": MEDIA_TYPES[_form(file)], "Idempotency-Key": _digest(file)}
        query = {"validate_only": "true"} if validate_only else {}
        with self.access.http() as http:
            return told(http.post("/v1/batches", content=_pieces(file), headers=headers, params=query))

    def batch(self, batch_id: str) -> dict[str, Any]:
        """Return how far it is. Raises Refused."""
        return dict(self.access.ask("GET", f"/v1/batches/{batch_id}")["batch"])

    def act(self, batch_id: str, act: str) -> dict[str, Any]:
        """Pause, resume, cancel or retry it. Raises Refused."""
        return dict(self.access.ask("POST", f"/v1/batches/{batch_id}/{act}")["batch"])

    def watch(self, batch_id: str) -> dict[str, Any]:
        """Show a bar until the batch is over. Raises Refused."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console) as bar:
            task = bar.add_task("waiting")
            while (batch := self.batch(batch_id))["state"] not in _ENDED:
                bar.update(task, total=batch["rows_in"], completed=batch["rows_in"] - batch["open"], description=_said(batch))
                time.sleep(_EVERY_SECONDS)
            bar.update(task, total=batch["rows_in"], completed=batch["rows_in"] - batch["open"], description=batch["state"])
        return batch

    def fetch(self, batch_id: str, what: str, out: Path) -> None:
        """Stream results or errors into a file, in the form that its name says. Raises Refused."""
        with (
            self.access.http() as http,
            http.stream("GET", f"/v1/batches/{batch_id}/{what}", headers={"Accept": MEDIA_TYPES[_form(out)]}) as answer,
        ):
            if answer.is_error:
                answer.read()
                told(answer)
            with out.open("wb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)


def _said(batch: dict[str, Any]) -> str:
    estimate = batch["estimate"]
    return batch["state"] if estimate is None else f"{estimate['reason']}, {batch['rows_per_minute']} a minute"


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
