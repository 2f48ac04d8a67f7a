"""Share calls between verifications that run at the same time, and ask a question that is in flight only once.

Questions may travel in one call when they agree in their terms: all but the person and the number of her consent, among
them tenant, client, purpose, as-of day and kind of ground. A seat in a call is one person under one consent. So no answer
can reach another tenant, client, purpose, consent or day: it would have another seat.

A verification that is alone waits for nobody. Otherwise a call waits at most `hold_seconds` for others, or until it is
full. It lives as long as its longest deadline, or until nobody waits for it: who has less time leaves earlier, and who is
cancelled takes nobody with her.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property, partial
from itertools import chain
from typing import NamedTuple

from verify_service.domain.outcome import Answer, Basis, OutcomeClass, OutcomeCode, Question, Subject
from verify_service.sources.adapter import SharedCall
from verify_service.sources.client import BoundClient
from verify_service.sources.policy import Lane
from verify_service.verification.fanout import Ask, Call, Channel, Share, apart, call_source, failed, groups, out_of_time

HOLD_SECONDS = 0.005
Seat = tuple[Subject, str]


class Terms(NamedTuple):
    """What questions in one call must have in common."""

    source: str
    tenant: str
    client: str
    lane: Lane
    purpose: str
    basis: Basis
    as_of: date
    income_from: str
    income_to: str


def terms_of(client: str, lane: Lane, q: Question) -> Terms:
    """Return the terms of a client's question."""
    return Terms(q.source, q.tenant, client, lane, q.purpose, q.basis, q.as_of, q.income_from, q.income_to)


def seat_of(q: Question) -> Seat:
    """Return person and consent: within the same terms, the same question."""
    return q.subject, q.consent


@dataclass(eq=False)
class Batch:
    """One call, being filled or under way. `aboard` counts the verifications that wait for it, `boarded` all that ever did."""

    channel: Channel
    client: BoundClient
    seats: dict[Seat, Question] = field(default_factory=dict, repr=False)
    full: asyncio.Event = field(default_factory=asyncio.Event)
    aboard: int = 0
    boarded: int = 0
    call: asyncio.Task[Call] = field(init=False)

    @cached_property
    def places(self) -> dict[Seat, int]:
        """Return the place of each seat in the call. For a call that has ended."""
        return {seat: place for place, seat in enumerate(self.seats)}

    @cached_property
    def shared(self) -> SharedCall:
        """Return the call as its verifications keep it, one object for all of them. For a call that has ended."""
        made = self.call.result()
        return SharedCall(made.source, made.questions, made.exchanges)


@dataclass(eq=False)
class Company:
    """The verifications of one client that ask under the same terms just now, and their calls by seat."""

    lane: Lane
    hold_seconds: float
    present: int = 0
    filling: Batch | None = None
    flying: dict[Seat, Batch] = field(default_factory=dict, repr=False)

    async def ask(self, channel: Channel, questions: Sequence[Question], deadline: float) -> Sequence[Call]:
        """Ask one source, in calls that others may share."""
        self.present += 1
        boarded = self._board(channel, questions, deadline)
        try:
            answered = [self._travel(batch, own, deadline) for batch, own in boarded.items()]
            return list(chain.from_iterable(await asyncio.gather(*answered) if len(answered) > 1 else [await answered[0]]))
        finally:
            self.present -= 1
            for batch in boarded:
                self._leave(batch)

    def _board(self, channel: Channel, questions: Sequence[Question], deadline: float) -> dict[Batch, list[Question]]:
        """Give every question a place: in the call that asks it already, else in one that still has room."""
        fresh = [q for q in questions if seat_of(q) not in self.flying]
        for group in groups(fresh, channel.source):
            batch = self._batch(channel, room=len(group), deadline=deadline)
            for question in group:
                seat = seat_of(question)
                batch.seats.setdefault(seat, question)
                self.flying[seat] = batch
            if len(batch.seats) == channel.source.subjects_per_call:
                self._depart(batch)
        boarded: dict[Batch, list[Question]] = {}
        for question in questions:
            boarded.setdefault(self.flying[seat_of(question)], []).append(question)
        for batch in boarded:
            batch.aboard += 1
            batch.boarded += 1
        return boarded

    def _batch(self, channel: Channel, *, room: int, deadline: float) -> Batch:
        """Return the call that is being filled if it has room; else send it off, and begin to fill the next."""
        batch = self.filling
        if batch is not None and len(batch.seats) + room <= channel.source.subjects_per_call:
            batch.client.deadline = max(batch.client.deadline, deadline)
            return batch
        if batch is not None:
            self._depart(batch)
        self.filling = batch = Batch(channel, channel.runtime.bind(deadline=deadline, lane=self.lane))
        batch.call = asyncio.create_task(self._fly(batch, held=self.present > 1))
        batch.call.add_done_callback(lambda _: self._forget(batch))
        return batch

    async def _fly(self, batch: Batch, *, held: bool) -> Call:
        """Wait for others if there are any, then make the call."""
        if held:
            with suppress(TimeoutError):
                async with asyncio.timeout(self.hold_seconds):
                    await batch.full.wait()
        self._depart(batch)
        return await call_source(batch.channel, list(batch.seats.values()), batch.client)

    def _depart(self, batch: Batch) -> None:
        """Let nobody new in, and hold no longer."""
        batch.full.set()
        if self.filling is batch:
            self.filling = None

    def _leave(self, batch: Batch) -> None:
        """Stop waiting for a call; when the last has left it, nobody needs it any more."""
        batch.aboard -= 1
        if batch.aboard == 0:
            batch.call.cancel()
            self._forget(batch)

    def _forget(self, batch: Batch) -> None:
        """Forget a call that has ended or was given up, so that the next such question is asked anew."""
        self._depart(batch)
        for seat in batch.seats:
            if self.flying.get(seat) is batch:
                del self.flying[seat]

    async def _travel(self, batch: Batch, own: Sequence[Question], deadline: float) -> Sequence[Call]:
        """Wait for a call, not beyond one's own deadline; what failed perhaps because of others is asked again apart."""
        try:
            async with asyncio.timeout_at(deadline):
                call = await asyncio.shield(batch.call)
        except TimeoutError:
            return [_left(batch, own)]
        if len(own) == len(call.questions) and batch.boarded == 1:
            return [call]
        if batch.boarded > 1 and _perhaps_not_mine(call, batch, deadline):
            again = await apart(batch.channel, own, deadline, lane=self.lane)
            if any(c.readable for c in again):
                return again
        return [_part(batch, call, own)]


class Grouping:
    """The companies of this process. Use it from one event loop."""

    def __init__(self, *, hold_seconds: float = HOLD_SECONDS) -> None:
        self._hold_seconds = hold_seconds
        self._companies: dict[Terms, Company] = {}

    def asker(self, client: str, *, lane: Lane = "live") -> Ask:
        """Return how a verification of this client asks: see `fan_out`."""
        return partial(self._ask, client, lane)

    async def _ask(self, client: str, lane: Lane, channel: Channel, questions: Sequence[Question], deadline: float) -> Sequence[Call]:
        """Ask one source. A deferred one is asked apart: after a crash its dedupe key must follow from the verification alone."""
        if channel.source.mode == "deferred":
            return await apart(channel, questions, deadline, lane=lane)
        by_terms: dict[Terms, list[Question]] = {}
        for question in questions:
            by_terms.setdefault(terms_of(client, lane, question), []).append(question)
        asked = [self._in_company(terms, channel, own, deadline) for terms, own in by_terms.items()]
        return await asked[0] if len(asked) == 1 else list(chain.from_iterable(await asyncio.gather(*asked)))

    async def _in_company(self, terms: Terms, channel: Channel, questions: Sequence[Question], deadline: float) -> Sequence[Call]:
        company = self._companies.setdefault(terms, Company(terms.lane, self._hold_seconds))
        try:
            return await company.ask(channel, questions, deadline)
        finally:
            if company.present == 0:
                self._companies.pop(terms, None)


def _left(batch: Batch, own: Sequence[Question]) -> Call:
    """Return the call of a verification whose time was up; what others may still get is not her evidence."""
    client = batch.client
    if batch.boarded > 1:
        client = batch.channel.runtime.bind(deadline=client.deadline)
        client.attempts = batch.client.attempts
    return failed(batch.channel, own, client, out_of_time())


def _perhaps_not_mine(call: Call, batch: Batch, deadline: float) -> bool:
    """Say whether a call failed in a way in which one's own might not have: by another's damage, or another's deadline."""
    code = call.answers[0].outcome.code
    is_damaged = code.outcome_class is OutcomeClass.INVALID
    return not call.readable and (is_damaged or (code is OutcomeCode.TIMEOUT and batch.client.deadline < deadline))


def _part(batch: Batch, call: Call, own: Sequence[Question]) -> Call:
    """Return a verification's part of a call, its answers bound to its own questions; where nothing arrived, nothing is shared."""
    places = {question.id: batch.places[seat_of(question)] for question in own}
    made = [(question, call.answers[places[question.id]]) for question in own]
    answers = [Answer(question, answer.outcome, answer.records) for question, answer in made]
    share = Share(batch.shared, places) if call.exchanges else None
    return Call(call.source, own, answers, readable=call.readable, share=share)
