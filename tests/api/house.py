"""What the tests of the HTTP face share: a played register, a clock that is told, clients, and the example household."""

import asyncio
import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from verify_service.api.auth import OPERATOR, WELFARE_SYSTEM, Scope, hash_secret
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question
from verify_service.services import Limits, Services
from verify_service.sources.adapter import Exchange, SourceClient
from verify_service.storage.records import Client

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
SECRET = "s3cret-" + "x" * 36
ALL = tuple(Scope)
LIMITS = Limits(
    default_deadline_ms=10_000,
    max_deadline_ms=30_000,
    reserve_ms=300,
    max_body_bytes=100_000,
    lease_seconds=60,
    poll_seconds=1,
    look_together_seconds=5,
)


@dataclass
class Register:
    """An adapter that knows nothing of anybody, or says another thing of everybody, and answers when the gate is open."""

    source: Any
    says: OutcomeCode = OutcomeCode.NO_RECORD
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    entered: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        del client
        self.asked += len(questions)
        self.entered.set()
        await self.gate.wait()
        return self.read(questions, [])

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        del exchanges
        outcome = Outcome(self.says, attempts=1, asked_at=NOW, answered_at=NOW, as_of=date(2026, 11, 20), answer_digests=("0" * 64,))
        return [Answer(question, outcome) for question in questions]


@dataclass
class Clock:
    """A clock that moves when it is told to."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def in_a_minute(self) -> datetime:
        return self.now + timedelta(minutes=1)

    def pass_by(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@dataclass
class House:
    """The application under test, and what a test may look at or move."""

    services: Services
    app: Any
    http: httpx.AsyncClient
    register: Register
    clock: Clock
    database: Path

    def stored(self, table: str = "verifications") -> int:
        with sqlite3.connect(self.database) as connection:
            count: int = connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - a name from a test
        connection.close()
        return count

    async def post(self, body: bytes | None = None, *, who: str = "full", **headers: str) -> httpx.Response:
        sent = {"Content-Type": "application/json", **bearer(who), **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.post("/v1/verifications", content=household() if body is None else body, headers=sent)

    async def act(self, path: str, body: Any, *, who: str = "full", **headers: str) -> httpx.Response:
        sent = {"Content-Type": "application/json", **bearer(who), **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await self.http.post(path, content=body if isinstance(body, bytes) else json.dumps(body).encode(), headers=sent)

    async def get(self, path: str, *, who: str = "full", **headers: str) -> httpx.Response:
        return await self.http.get(path, headers={**bearer(who), **headers})


def bearer(who: str, secret: str = SECRET) -> dict[str, str]:
    return {"Authorization": f"Bearer {who}.{secret}"}


def household(change: Callable[[dict[str, Any]], object] | None = None) -> bytes:
    """Return the example household, changed in place by a function."""
    body = json.loads((Path(__file__).parents[2] / "examples" / "household.json").read_text("utf-8"))
    if change is not None:
        change(body)
    return json.dumps(body, ensure_ascii=False).encode()


def _client(name: str, *, tenant: str = "one", scopes: tuple[str, ...] = ALL, **other: Any) -> Client:
    given = {"purposes": ("*",), "regions": ("*",), "created_at": NOW, **other}
    return Client(id=name, tenant=tenant, name=name, secret_hash=hash_secret(SECRET), scopes=scopes, **given)


CLIENTS = (
    _client("full"),
    _client("other", tenant="two"),
    _client("scopeless", scopes=()),
    _client("writer", scopes=(Scope.VERIFY_WRITE,)),
    _client("kiosk", scopes=(Scope.REPORT_READ_APPLICANT,)),
    _client("counter", scopes=(Scope.REPORT_READ_MINIMUM,)),
    _client("disabled", disabled_at=NOW),
    _client("welfare", scopes=tuple(WELFARE_SYSTEM)),
    _client("operator", scopes=tuple(OPERATOR)),
    _client("medical", purposes=("06",)),
    _client("elsewhere", regions=("980000",)),
)
