"""Ask every source at once; give every question exactly one outcome, whatever happens.

A call is one group of questions to one source. No call can stop or lose another: what an adapter raises becomes the
outcome of its own questions, and a reader's surprise is invalid.schema, never "no record".
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import partial
from itertools import chain
from typing import TypeVar, cast

import structlog
from pydantic import ValidationError

from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question
from verify_service.domain.policy import Calendar
from verify_service.domain.swift import swift
from verify_service.errors import ConfigurationError
from verify_service.sources.adapter import Adapter, AnyAdapter, DeferredAdapter, Exchange, NotYet, SharedCall, SoFar, Ticket
from verify_service.sources.client import BoundClient, SourceRuntime
from verify_service.sources.definition import Source
from verify_service.sources.failures import NotThere, SourceFailure
from verify_service.sources.policy import Lane
from verify_service.sources.reading import schema_failure
from verify_service.telemetry import without_values
from verify_service.verification.plan import local_day

T = TypeVar("T")
_log = structlog.get_logger("verify_service.fanout")
_STALE_FROM = frozenset({OutcomeCode.RECORDS, OutcomeCode.NO_RECORD})


@dataclass(frozen=True, slots=True)
class Channel:
    """How one source is reached: its adapter and its runtime. `deferred` is the adapter once more, if it answers later."""

    adapter: AnyAdapter
    runtime: SourceRuntime
    deferred: DeferredAdapter | None = field(init=False)

    def __post_init__(self) -> None:
        """Decide it here: looking for the methods of a protocol takes as long as reading a small answer."""
        object.__setattr__(self, "deferred", self.adapter if isinstance(self.adapter, DeferredAdapter) else None)

    @property
    def source(self) -> Source:
        """Return the source's facts."""
        return self.adapter.source


@swift
@dataclass(frozen=True, slots=True)
class Share:
    """A verification's part in a call that several shared: at which place of the call each of its questions was asked."""

    call: SharedCall
    places: Mapping[str, int]


@swift
@dataclass(frozen=True, slots=True)
class Call:
    """What became of one call. `readable` says whether its exchanges are the whole answer, so that reading them again is fair.

    next_look: when its ticket is looked at again, because not every institution has answered; None when it is closed.
    A call that was shared has a `share` in the place of exchanges of its own.
    """

    source: str
    questions: Sequence[Question]
    answers: Sequence[Answer]
    exchanges: Sequence[Exchange] = field(default=(), repr=False)
    readable: bool = False
    ticket: Ticket | None = None
    next_look: datetime | None = None
    share: Share | None = None


Ask = Callable[[Channel, Sequence[Question], float], Awaitable[Sequence[Call]]]


async def apart(channel: Channel, questions: Sequence[Question], deadline: float, *, lane: Lane = "live") -> Sequence[Call]:
    """Ask one source in calls of one's own, as many as it takes at `subjects_per_call`."""
    bind = partial(channel.runtime.bind, deadline=deadline, lane=lane)
    asking = [call_source(channel, group, bind()) for group in groups(questions, channel.source)]
    return [await asking[0]] if len(asking) == 1 else await asyncio.gather(*asking)


async def fan_out(
    asked: Mapping[str, Sequence[Question]], *, channels: Mapping[str, Channel], deadline: float, ask: Ask = apart
) -> list[Call]:
    """Ask all sources at once and return their calls, in the order of the sources. Never raises for a source's fault.

    `deadline` is an instant of the event loop's clock, in seconds; no answer is waited for longer. `ask` says how the
    questions to one source become calls: apart, or shared with other verifications (grouping.py).
    """
    calls = await asyncio.gather(*(ask(channels[source], questions, deadline) for source, questions in asked.items()))
    return list(chain.from_iterable(calls))


def groups(questions: Sequence[Question], source: Source) -> Iterator[Sequence[Question]]:
    """Cut questions into as few calls as the source allows."""
    for start in range(0, len(questions), source.subjects_per_call):
        yield questions[start : start + source.subjects_per_call]


async def call_source(channel: Channel, questions: Sequence[Question], client: BoundClient) -> Call:
    """Make one call within the client's deadline, and settle every question in it."""
    failure: SourceFailure | None = None
    try:
        async with asyncio.timeout_at(client.deadline):
            if channel.deferred is not None:
                return await _submit(channel.deferred, questions, client)
            return await _ask(cast("Adapter", channel.adapter), questions, client)
    except TimeoutError:
        failure = out_of_time()
    except SourceFailure as error:
        failure = error
    finally:
        client.settle(failure)
    return failed(channel, questions, client, failure)


def out_of_time() -> SourceFailure:
    """Return the failure of a source that did not answer by the deadline."""
    return SourceFailure(OutcomeCode.TIMEOUT, failed_by="source", detail="deadline")


async def _ask(adapter: Adapter, questions: Sequence[Question], client: BoundClient) -> Call:
    answers = await guarded(adapter.source, adapter.ask(questions, client))
    return settled(
        adapter.source, questions, answers, client.exchanges, today=local_day(client.now()), calendar=client.runtime.policy.calendar
    )


async def _submit(adapter: DeferredAdapter, questions: Sequence[Question], client: BoundClient) -> Call:
    key = dedupe_key(questions)
    ticket = await guarded(adapter.source, adapter.submit(questions, client, dedupe_key=key))
    asked_at = min((e.asked_at for e in client.exchanges), default=client.now())
    pending = Outcome(OutcomeCode.PENDING, attempts=client.attempts, asked_at=asked_at, next_look=ticket.next_look, latest=ticket.latest)
    return Call(adapter.source.id, questions, [Answer(q, pending) for q in questions], client.exchanges, ticket=ticket)


@dataclass(frozen=True, slots=True)
class HandedInAgain(NotYet):
    """The register had forgotten the ticket and took the same work in again; `file_digest` is the SHA-256 of what was sent."""

    ticket: Ticket
    file_digest: str | None


async def look(
    channel: Channel, ticket: Ticket, questions: Sequence[Question], *, deadline: float, may_ask: Callable[[], Awaitable[bool]]
) -> Call | NotYet:
    """Look once at a deferred source. A failed look is told by SourceFailure: the ticket stays open.

    A register that does not know the ticket any more is handed the same work under the same dedupe key, if `may_ask` says
    that every question still has a live ground; else refused.no_consent is raised.
    """
    adapter = channel.deferred
    if adapter is None:
        raise ConfigurationError(f"source {channel.source.id} has a ticket but is not deferred")
    client = channel.runtime.bind(deadline=deadline, lane="bulk")
    failure: SourceFailure | None = None
    try:
        async with asyncio.timeout_at(deadline):
            found = await guarded(adapter.source, adapter.collect(ticket, questions, client))
    except NotThere:
        if not await may_ask():
            raise SourceFailure(OutcomeCode.NO_CONSENT, failed_by="us", detail="consent ended before the ticket was answered") from None
        return await _hand_in_again(channel, ticket, questions, deadline)
    except TimeoutError:
        failure = out_of_time()
        raise failure from None
    except SourceFailure as error:
        failure = error
        raise
    finally:
        client.settle(failure)
    if isinstance(found, NotYet):
        return found
    answers = found.answers if isinstance(found, SoFar) else found
    call = settled(
        adapter.source, questions, answers, client.exchanges, today=local_day(client.now()), calendar=client.runtime.policy.calendar
    )
    return _waiting(call, found.next_look, ticket.latest) if isinstance(found, SoFar) else call


async def _hand_in_again(channel: Channel, forgotten: Ticket, questions: Sequence[Question], deadline: float) -> HandedInAgain:
    """Hand the same work in under the same key; the latest date does not move. Raises SourceFailure."""
    client = channel.runtime.bind(deadline=deadline, lane="bulk")
    made = await call_source(channel, questions, client)
    if made.ticket is None:
        outcome = made.answers[0].outcome
        raise SourceFailure(outcome.code, failed_by=outcome.failed_by or "source", detail=outcome.detail)
    ticket = replace(made.ticket, next_look=min(made.ticket.next_look, forgotten.latest), latest=forgotten.latest)
    return HandedInAgain(ticket.next_look, ticket, file_digest(made))


def file_digest(call: Call) -> str | None:
    """Return the SHA-256 of what a deferred source was handed, from the exchange that gave the ticket."""
    return call.exchanges[-1].request_digest if call.exchanges else None


def _waiting(call: Call, next_look: datetime, latest: datetime) -> Call:
    """Return the call with its lower bounds waiting for the institutions that have not answered."""

    def wait(answer: Answer) -> Answer:
        if answer.outcome.code is not OutcomeCode.PARTIAL:
            return answer
        return replace(answer, outcome=replace(answer.outcome, next_look=next_look, latest=latest))

    return replace(call, answers=[wait(answer) for answer in call.answers], next_look=next_look)


def dedupe_key(questions: Sequence[Question]) -> str:
    """Return the key under which a deferred source knows this piece of work: the same for the same questions in any order."""
    return hashlib.sha256("".join(sorted(q.digest for q in questions)).encode()).hexdigest()


async def guarded(source: Source, asking: Awaitable[T]) -> T:
    """Await an adapter; a surprise inside it is a reader that met what it does not understand: invalid.schema."""
    try:
        return await asking
    except (SourceFailure, TimeoutError):
        raise
    except ValidationError as error:
        raise schema_failure(error) from None
    except ConfigurationError as error:
        raise SourceFailure(OutcomeCode.NOT_CONNECTED, failed_by="us", detail="endpoint or credentials not configured") from error
    except Exception as error:  # noqa: BLE001 - whatever a reader does not survive is one outcome, and no other source pays
        _log.error("source.reader_failed", source=source.id, **without_values(error))
        raise SourceFailure(OutcomeCode.SCHEMA, failed_by="us", detail=f"reader: {type(error).__name__}") from None


def reread(
    adapter: AnyAdapter, questions: Sequence[Question], exchanges: Sequence[Exchange], *, today: date, calendar: Calendar
) -> Sequence[Answer]:
    """Read stored exchanges of a readable call again: the same answers as on the day it was asked. Pure."""
    return settled(adapter.source, questions, adapter.read(questions, exchanges), exchanges, today=today, calendar=calendar).answers


def settled(
    source: Source,
    questions: Sequence[Question],
    answers: Sequence[Answer],
    exchanges: Sequence[Exchange],
    *,
    today: date,
    calendar: Calendar,
) -> Call:
    """Bind answers to questions one to one and set aside what is too old. Raises invalid.contradiction if not paired."""
    by_id = {a.question.id: a for a in answers}
    if len(by_id) != len(answers) or by_id.keys() != {q.id for q in questions}:
        raise SourceFailure(OutcomeCode.CONTRADICTION, failed_by="us", detail="answers do not pair with questions")
    oldest = source.oldest_as_of(today, calendar)
    aged = [_aged(by_id[q.id], source, today, oldest) for q in questions]
    return Call(source.id, questions, aged, list(exchanges), readable=True)


def _aged(answer: Answer, source: Source, today: date, oldest: date) -> Answer:
    """Return the answer as stale when its day lies further back than the source's limit (M29): history, not a fact."""
    outcome = answer.outcome
    if outcome.code not in _STALE_FROM:
        return answer
    if outcome.as_of is None or outcome.as_of > today:
        return Answer(answer.question, replace(outcome, code=OutcomeCode.CONTRADICTION, failed_by="source", detail="as-of day"))
    if outcome.as_of >= oldest:
        return answer
    detail = f"older than {source.stale_after_days} {source.stale_counts.replace('_', ' ')}"
    return Answer(answer.question, replace(outcome, code=OutcomeCode.STALE, failed_by="source", detail=detail), answer.records)


def failed(channel: Channel, questions: Sequence[Question], client: BoundClient, failure: SourceFailure) -> Call:
    """Give every question of a failed call the failure's outcome; what had arrived is kept as evidence."""
    now = client.now()
    outcome = Outcome(
        failure.code,
        failed_by=failure.failed_by,
        detail=failure.detail,
        attempts=client.attempts,
        asked_at=min((e.asked_at for e in client.exchanges), default=now),
        answered_at=now,
        answer_digests=tuple(e.answer_digest for e in client.exchanges),
        next_look=_next_look(failure, now),
    )
    return Call(channel.source.id, questions, [Answer(q, outcome) for q in questions], client.exchanges)


def _next_look(failure: SourceFailure, now: datetime) -> datetime | None:
    """Return when asking may help, if it was the policy that did not ask (a breaker, a quota, closing hours)."""
    if failure.failed_by != "us" and failure.code is not OutcomeCode.MAINTENANCE:
        return None
    seconds = failure.retry_after_seconds
    return None if seconds is None else now + timedelta(seconds=seconds)
