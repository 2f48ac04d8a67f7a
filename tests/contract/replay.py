"""Adapter and simulated register face to face, without sockets, at the contract clock.

    contract = Contract.of(VehicleAdapter(), VehicleRegister)
    answer = await contract.answer_case("found")

A reply passes the same classification as in the real client: status, media type, charset, length. A failure of the whole
call becomes one answer per question, as in the fan-out.
"""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from importlib.resources import files
from typing import Any

import orjson
from pydantic import TypeAdapter

from verify_service.domain.outcome import Answer, FailedBy, Outcome, OutcomeClass, OutcomeCode, Question, Subject
from verify_service.domain.records import Record
from verify_service.errors import ConfigurationError
from verify_service.sandbox.population import Population
from verify_service.sandbox.world import World
from verify_service.sources.adapter import Adapter, AnyAdapter, DeferredAdapter, Exchange, NotYet, SoFar, Ticket, WireRequest
from verify_service.sources.cases import CONTRACT_CLOCK, Case, Fault, by_person, load_cases
from verify_service.sources.failures import SourceFailure, invalid
from verify_service.sources.register import RegisterReply, RegisterRequest, Table

RECORD: TypeAdapter[Record] = TypeAdapter(Record)

Change = Callable[[RegisterReply], RegisterReply]
ChangeRequest = Callable[[WireRequest], WireRequest]


@dataclass
class Clock:
    """The one time source of client and register; a test moves it."""

    instant: datetime = CONTRACT_CLOCK

    def now(self) -> datetime:
        return self.instant


@dataclass
class ReplayClient:
    """A SourceClient whose socket is the register object. `exchanges` keeps what would be stored as evidence.

    `change` alters a reply on its way back, `change_request` a request on its way out; `attempts_left` is not modelled:
    every request is sent once.
    """

    register: Any
    credentials: Mapping[str, str] = field(repr=False)
    clock: Clock = field(default_factory=Clock)
    change: Change = lambda reply: reply
    change_request: ChangeRequest = lambda request: request
    exchanges: list[Exchange] = field(default_factory=list)
    requests: list[WireRequest] = field(default_factory=list)
    _kept: dict[str, tuple[str, datetime]] = field(default_factory=dict)
    _nonces: Iterator[int] = field(default_factory=lambda: iter(range(1, 10**6)))

    def now(self) -> datetime:
        return self.clock.now()

    def nonce(self) -> str:
        return hashlib.sha256(f"{id(self)}-{next(self._nonces)}".encode()).hexdigest()[:32]

    def credential(self, name: str) -> str:
        if name not in self.credentials:
            raise ConfigurationError(f"credential {name} is not set")
        return self.credentials[name]

    def remember(self, name: str, value: str, *, for_seconds: float) -> None:
        self._kept[name] = (value, self.clock.now() + timedelta(seconds=for_seconds))

    def remembered(self, name: str) -> str | None:
        value, until = self._kept.get(name, ("", self.clock.now()))
        return value if until > self.clock.now() else None

    async def fetch(self, build: Callable[[], WireRequest]) -> Exchange:
        request = self.change_request(build())
        self.requests.append(request)
        reply = self.change(self.register.reply(_arrived(request)))
        status, headers, body = _on_the_socket(reply)
        exchange = self._exchange(request.step, status, headers, body, asked=request.body)
        _classify(request, exchange)
        if request.evidence:
            self.exchanges.append(exchange)
        return exchange

    async def query(self, step: str, statement: str, parameters: Mapping[str, object]) -> Exchange:
        numbered, values = _positional(statement, parameters)
        table: Table = self.register.select(numbered, values)
        if table.fault is not None:
            raise _socket_failure(table.fault)
        body = orjson.dumps({"columns": table.columns, "rows": table.rows})
        exchange = self._exchange(step, 200, {}, body, asked=statement.encode())
        self.exchanges.append(exchange)
        return exchange

    def _exchange(self, step: str, status: int, headers: Mapping[str, str], body: bytes, *, asked: bytes) -> Exchange:
        return Exchange(
            step=step,
            status=status,
            headers=headers,
            body=body,
            request_digest=hashlib.sha256(asked).hexdigest(),
            answer_digest=hashlib.sha256(body).hexdigest(),
            asked_at=self.clock.now(),
            answered_at=self.clock.now(),
        )


def _arrived(request: WireRequest) -> RegisterRequest:
    """Return the request as the register sees it: lower-case header names, the query cut from the path."""
    path, _, query = request.path.partition("?")
    pairs = dict(part.partition("=")[::2] for part in query.split("&") if part)
    return RegisterRequest(request.method, path, pairs, {k.lower(): v for k, v in request.headers.items()}, request.body)


def _on_the_socket(reply: RegisterReply) -> tuple[int, dict[str, str], bytes]:
    """Apply the fault of a reply. Header names come back in lower case, as the real client gives them."""
    headers = {k.lower(): v for k, v in reply.headers.items()}
    fault = reply.fault
    if fault is None:
        return reply.status, headers, reply.body
    if fault.kind not in {"status", "body"}:
        raise _socket_failure(fault)
    if fault.content_type is not None:
        headers["content-type"] = fault.content_type
    return fault.status if fault.kind == "status" else 200, headers, fault.body.encode()


def _socket_failure(fault: Fault) -> SourceFailure:
    """Return what the real client makes of a fault that leaves no whole answer."""
    code, failed_by = _SOCKET[fault.kind]
    return SourceFailure(code, failed_by=failed_by, detail=fault.kind)


# A database has no status: a server that accepts nothing now is a connection that did not come about.
_SOCKET: dict[str, tuple[OutcomeCode, FailedBy]] = {
    "status": (OutcomeCode.CONNECTION, "network"),
    "truncate": (OutcomeCode.TRUNCATED, "network"),
    "close_delimited": (OutcomeCode.TRUNCATED, "network"),
    "reset": (OutcomeCode.CONNECTION, "network"),
    "hang": (OutcomeCode.TIMEOUT, "source"),
    "drip": (OutcomeCode.TIMEOUT, "source"),
    "body": (OutcomeCode.SCHEMA, "source"),
}


def _classify(request: WireRequest, exchange: Exchange) -> None:
    """Refuse what the real client refuses, in its order: status, media type, charset."""
    status = exchange.status
    if status not in request.accept_status:
        raise _status_failure(status)
    media_type = exchange.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != request.expect.lower():
        raise invalid(OutcomeCode.ENCODING, "content type")
    if request.charset is not None:
        try:
            exchange.body.decode(request.charset)
        except UnicodeDecodeError:
            raise invalid(OutcomeCode.ENCODING, "charset") from None


def _status_failure(status: int) -> SourceFailure:
    if status == 429:
        return SourceFailure(OutcomeCode.RATE_LIMITED, failed_by="source", detail="status 429")
    if status >= 500:
        return SourceFailure(OutcomeCode.HTTP_5XX, failed_by="source", detail=f"status {status}")
    if status in {401, 403}:
        return SourceFailure(OutcomeCode.NOT_AUTHORISED, failed_by="source", detail=f"status {status}")
    return invalid(OutcomeCode.SCHEMA, f"status {status}")


def _positional(statement: str, parameters: Mapping[str, object]) -> tuple[str, list[str | None]]:
    """Turn %(name)s into $1, $2 … by first appearance, as the PostgreSQL driver does; values become wire text."""
    names: list[str] = []

    def number(match: re.Match[str]) -> str:
        if match[1] not in names:
            names.append(match[1])
        return f"${names.index(match[1]) + 1}"

    numbered = re.sub(r"%\((\w+)\)[stb]", number, statement)
    return numbered, [_wire_text(parameters[name]) for name in names]


def _wire_text(value: object) -> str | None:
    if isinstance(value, list | tuple):
        return "{" + ",".join(orjson.dumps(str(item)).decode() for item in value) + "}"
    return None if value is None else str(value)


def question(case: Case, source: str, *, member: str = "m1") -> Question:
    """Return the question about the person of a case."""
    return ask_about(case.person.subject, source, member=member)


def ask_about(subject: Subject, source: str, *, member: str = "m1") -> Question:
    """Return a question about anybody; its digest is distinct per member."""
    return Question(
        id=f"q-{member}-{source}",
        member=member,
        subject=subject,
        source=source,
        tenant="990101",
        purpose="dibao",
        consent="consent-1",
        income_from="2025-11",
        income_to="2026-10",
        as_of=CONTRACT_CLOCK.date(),
        digest=hashlib.sha256(f"{member}/{source}".encode()).hexdigest(),
    )


async def replay(
    adapter: AnyAdapter, register: Any, questions: Sequence[Question], *, client: ReplayClient | None = None
) -> Sequence[Answer]:
    """Ask, wait for a deferred register by moving the clock, and give every question an answer. Never raises SourceFailure.

    A register that looks at a clock other than CONTRACT_CLOCK must share `client.clock` (Contract sees to it).
    """
    talk = client or ReplayClient(register, sys.modules[type(register).__module__].CREDENTIALS)
    try:
        return await _asked(adapter, questions, talk)
    except SourceFailure as failure:
        outcome = Outcome(failure.code, failed_by=failure.failed_by, detail=failure.detail, attempts=1)
        return [Answer(q, outcome) for q in questions]


async def _asked(adapter: AnyAdapter, questions: Sequence[Question], client: ReplayClient) -> Sequence[Answer]:
    if isinstance(adapter, DeferredAdapter):
        ticket = await adapter.submit(questions, client, dedupe_key="contract")
        return await collected(adapter, ticket, questions, client)
    if not isinstance(adapter, Adapter):
        raise TypeError("neither an immediate nor a deferred adapter")
    return await adapter.ask(questions, client)


async def collected(adapter: DeferredAdapter, ticket: Ticket, questions: Sequence[Question], client: ReplayClient) -> Sequence[Answer]:
    """Look until the deferred register has answered, at least in part, moving the clock to each look. Gives up after `ticket.latest`."""
    look = ticket.next_look
    while look <= ticket.latest:
        client.clock.instant = max(look, client.clock.instant)
        found = await adapter.collect(ticket, questions, client)
        if not isinstance(found, NotYet):
            return found.answers if isinstance(found, SoFar) else found
        look = found.next_look
    raise AssertionError("the register never finished")


@dataclass
class Contract:
    """One source under test: its adapter, its register over its cases and, for everybody else, the synthetic population of seed 1."""

    adapter: AnyAdapter
    register_type: Callable[[World], Any]
    credentials: Mapping[str, str] = field(repr=False)
    cases: Mapping[str, Case] = field(repr=False)
    clock: Clock = field(default_factory=Clock)

    @classmethod
    def of(cls, adapter: AnyAdapter, register_type: Callable[[World], Any]) -> "Contract":
        """Find cases beside the adapter and credentials beside the register."""
        package = type(adapter).__module__.rpartition(".")[0]
        return cls(adapter, register_type, sys.modules[register_type.__module__].CREDENTIALS, load_cases(files(package) / "cases"))

    def world(self, **changes: Any) -> World:
        """Return the register's world; keywords replace its fields."""
        world = World(
            source=self.adapter.source.id,
            now=self.clock.now,
            population=Population(seed=1, as_of=self.clock.now().date()),
            cases=by_person(self.cases.values()),
            credentials=self.credentials,
        )
        return replace(world, **changes)

    def client(
        self, *, world: World | None = None, change: Change | None = None, change_request: ChangeRequest | None = None
    ) -> ReplayClient:
        """Return a fresh client on a fresh register, both on this contract's clock."""
        client = ReplayClient(self.register_type(world or self.world()), self.credentials, self.clock)
        client.change = change or client.change
        client.change_request = change_request or client.change_request
        return client

    def question(self, name: str, *, member: str = "m1") -> Question:
        """Return the question about the person of the named case."""
        return question(self.cases[name], self.adapter.source.id, member=member)

    def questions(self, *names: str) -> list[Question]:
        """Return one question per named case, members m1, m2 and so on."""
        return [self.question(name, member=f"m{i}") for i, name in enumerate(names, 1)]

    async def answers(self, *names: str, client: ReplayClient | None = None) -> Sequence[Answer]:
        """Ask about the people of several cases in one call."""
        talk = client or self.client()
        return await replay(self.adapter, talk.register, self.questions(*names), client=talk)

    async def answer_case(self, name: str) -> Answer:
        """Ask about the person of one case; check that it holds outcome, day and records."""
        (answer,) = await self.answers(name)
        assert_expected(self.cases[name], answer)
        return answer


def assert_expected(case: Case, answer: Answer) -> None:
    """Compare an answer with what its case expects: outcome, as-of day, records as models, in order."""
    expected = case.expected
    assert answer.outcome.code is expected.code, (answer.outcome.code, answer.outcome.detail)
    assert expected.as_of is None or answer.outcome.as_of == expected.as_of
    if expected.count is not None:
        assert len(answer.records) == expected.count
        return
    assert list(answer.records) == [RECORD.validate_json(orjson.dumps(record)) for record in expected.records]


def assert_no_prefix_answers(adapter: AnyAdapter, questions: Sequence[Question], exchanges: Sequence[Exchange], *, which: int = -1) -> None:
    """Cut the body of one exchange at every byte (a stride when long): never a fact, only damage."""
    kept = list(exchanges)
    whole = kept[which]
    step = 1 if len(whole.body) <= 4000 else 7
    for length in range(0, len(whole.body), step):
        kept[which] = replace(whole, body=whole.body[:length])
        try:
            answers = adapter.read(questions, kept)
            classes = {answer.outcome.code.outcome_class for answer in answers}
        except SourceFailure as failure:
            classes = {failure.code.outcome_class}
        assert classes == {OutcomeClass.INVALID}, (length, classes)
