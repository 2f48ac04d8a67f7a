"""Ask one question as the service asks it: the same client, the same fan-out; a deferred source is looked at until it answers.

Every question gets a runtime of its own, so that a breaker which one bad answer opened does not judge the next case.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question
from verify_service.sources.adapter import AnyAdapter, Exchange, NotYet
from verify_service.sources.cases import Case
from verify_service.sources.client import Randomness, SourceRuntime
from verify_service.sources.definition import Endpoint
from verify_service.sources.failures import SourceFailure
from verify_service.verification.fanout import Call, Channel, call_source, look
from verify_service.verification.plan import local_day


@dataclass(frozen=True, slots=True)
class Asked:
    """What came of one question: the answer, what it was read from, and how many seconds its last call took."""

    answer: Answer
    exchanges: tuple[Exchange, ...] = field(repr=False)
    seconds: float

    @property
    def code(self) -> OutcomeCode:
        """Return the outcome."""
        return self.answer.outcome.code

    @property
    def steps(self) -> int:
        """Return how many different messages it took: pages count, repeated looks do not."""
        return len({exchange.step for exchange in self.exchanges})


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks about the people of cases. `patience_seconds`: how long a deferred source is waited for."""

    adapter: AnyAdapter
    clock: Callable[[], datetime]
    randomness: Randomness
    patience_seconds: float = 60.0

    async def ask(self, endpoint: Endpoint, case: Case, *, deadline_seconds: float) -> Asked:
        """Ask one question, in calls of at most `deadline_seconds`. Never raises for a source's fault."""
        question = self._question(case)
        async with self._channel(endpoint) as channel:
            began = monotonic()
            client = channel.runtime.bind(deadline=_in(deadline_seconds))
            call = await call_source(channel, [question], client)
            if call.ticket is None:
                return Asked(call.answers[0], tuple(call.exchanges), monotonic() - began)
            return await self._wait(channel, call, deadline_seconds)

    async def _wait(self, channel: Channel, call: Call, deadline_seconds: float) -> Asked:
        """Look at the ticket at each next look. What is answered so far is an answer; a failed look is one, too."""
        if call.ticket is None:
            raise ValueError("a call without a ticket")
        end, next_look = monotonic() + self.patience_seconds, call.ticket.next_look
        while monotonic() < end:
            await asyncio.sleep(min(max(0.0, (next_look - self.clock()).total_seconds()), self.patience_seconds))
            began = monotonic()
            try:
                found = await look(channel, call.ticket, call.questions, deadline=_in(deadline_seconds), may_ask=_never)
            except SourceFailure as failure:
                outcome = Outcome(failure.code, failed_by=failure.failed_by, detail=failure.detail)
                return Asked(Answer(call.questions[0], outcome), tuple(call.exchanges), monotonic() - began)
            if not isinstance(found, NotYet):
                return Asked(found.answers[0], (*call.exchanges, *found.exchanges), monotonic() - began)
            next_look = found.next_look
        return Asked(call.answers[0], tuple(call.exchanges), 0.0)

    @asynccontextmanager
    async def _channel(self, endpoint: Endpoint) -> AsyncIterator[Channel]:
        runtime = SourceRuntime(self.adapter.source, endpoint, clock=self.clock, randomness=self.randomness)
        try:
            yield Channel(self.adapter, runtime)
        finally:
            await runtime.close()

    def _question(self, case: Case) -> Question:
        """Return a question of its own: asked anew every time, also where a deferred source knows dedupe keys."""
        digest = hashlib.sha256(self.randomness.nonce().encode()).hexdigest()
        today = local_day(self.clock())
        last = f"{today.year - (today.month == 1)}-{(today.month - 2) % 12 + 1:02d}"
        return Question(
            id=digest[:24],
            member="m1",
            subject=case.person.subject,
            source=self.adapter.source.id,
            tenant="certify",
            purpose="01",
            consent="certify",
            income_from=f"{int(last[:4]) - 1}{last[4:]}",
            income_to=last,
            as_of=today,
            digest=digest,
        )


async def _never() -> bool:
    return False


def _in(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds
