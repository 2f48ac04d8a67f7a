"""What only a misbehaving endpoint can show, asked about people whose cases passed: pages, binding, deadline, quota, damage.

The misbehaving stands in front of the endpoint, so that any endpoint can be judged. `witness` is found with records, `other`
is somebody else of whom the endpoint knows.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

from verify_service.certification.asking import Asked, Asker
from verify_service.certification.certificate import Line, judged, not_judged
from verify_service.certification.misbehaviour import HTML, Misbehaviour, Sent
from verify_service.certification.proxy import http_proxy
from verify_service.certification.relay import database_relay
from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.sources.cases import Case
from verify_service.sources.definition import Endpoint

_MOST_PLACES = 8
_SHORT_DEADLINE, _GRACE, _RETRY_AFTER = 2.0, 1.0, 1
_SHARES = (0.0, 0.2, 0.5, 0.8, 1.0)
_NO_ECHO = "the endpoint's answer does not name the person it is about"


@dataclass(frozen=True, slots=True)
class Known:
    """A case that passed, and what came of it."""

    name: str
    case: Case
    asked: Asked

    @property
    def marker(self) -> bytes:
        """Return the identity number as an answer echoes it."""
        return self.case.person.id_number.reveal().encode()


@dataclass(frozen=True, slots=True)
class Bench:
    """What the checks need: who asks, the true endpoint, the deadline of an ordinary call, and a pace that the register bears.

    A question keeps its place for `pace_seconds` at least. It takes several calls, so there are no more places than a quarter
    of what the contract allows in a second; a deferred source's question spends its time waiting and may have a whole one.
    """

    asker: Asker
    endpoint: Endpoint
    deadline_seconds: float
    places: asyncio.Semaphore
    pace_seconds: float

    @classmethod
    def of(cls, asker: Asker, endpoint: Endpoint, *, deadline_seconds: float = 10.0, pace_seconds: float = 1.0) -> Self:
        """Return a bench with as many places as the source's contract bears."""
        source = asker.adapter.source
        places = source.quota.per_second // (1 if source.mode == "deferred" else 4)
        places = min(_MOST_PLACES, max(1, places))
        return cls(asker, endpoint, deadline_seconds, asyncio.Semaphore(places), pace_seconds)

    @property
    def is_database(self) -> bool:
        """Say whether the endpoint speaks the database's protocol."""
        return self.endpoint.base_url.startswith("postgresql://")

    async def ask(self, known: Known, how: Misbehaviour, *, deadline_seconds: float | None = None) -> Asked:
        """Ask about a person through the misbehaving endpoint."""
        async with self._in_front(how) as base_url:
            endpoint = self.endpoint.model_copy(update={"base_url": base_url})
            return await self.ask_at(endpoint, known.case, deadline_seconds or self.deadline_seconds)

    async def ask_at(self, endpoint: Endpoint, case: Case, deadline_seconds: float) -> Asked:
        """Ask one question when a place is free."""
        async with self.places:
            asked, _ = await asyncio.gather(
                self.asker.ask(endpoint, case, deadline_seconds=deadline_seconds), asyncio.sleep(self.pace_seconds)
            )
            return asked

    def _in_front(self, how: Misbehaviour) -> AbstractAsyncContextManager[str]:
        return (database_relay if self.is_database else http_proxy)(self.endpoint.base_url, how)


async def checks(bench: Bench, witness: Known, other: Known, many: Known | None) -> Sequence[Line]:
    """Run every check at once; their order in the certificate is this one."""
    found = await asyncio.gather(
        _paging(bench, many),
        _swapped(bench, witness, other),
        _replayed(bench, witness, other),
        *(_deadline(bench, witness, kind) for kind in ("hang", "drip")),
        *(_quota(bench, witness, times) for times in (1, 1000)),
        *(_cut(bench, witness, share) for share in _SHARES[1:]),
        *(_shortened(bench, witness, share) for share in _SHARES),
        *(_replaced(bench, witness, kind) for kind in ("text/html", "")),
    )
    return [line for line in found if line is not None]


def _caught(bench: Bench, check: str, known: Known, asked: Asked, how: Misbehaviour, what: str) -> Line:
    """Return the line of a damage: the answer must be no fact, and the endpoint must have given occasion.

    A damaged answer is invalid; a database's connection that breaks in the middle is lost, hence unavailable.
    """
    if not how.touched:
        return judged(check, known.name, what, _NO_ECHO, holds=False)
    allowed = [OutcomeClass.INVALID, *([OutcomeClass.UNAVAILABLE] if bench.is_database else [])]
    wanted = " or ".join(f"{of_class}.*" for of_class in allowed)
    return judged(check, known.name, f"{what}: {wanted}", asked.code.value, holds=asked.code.outcome_class in allowed)


async def _paging(bench: Bench, many: Known | None) -> Line | None:
    """Lose the last page, an earlier one sent in its place: that is not the whole."""
    if many is None:
        return not_judged("paging", "no case whose answer takes several pages")
    async with _recorded(bench, many) as seen:
        if len(seen) < 2:
            return not_judged("paging", "the pages do not name the person")
        how = Misbehaviour("replay", many.marker, recorded=[*seen[:-1], seen[-2]])
        return _caught(bench, "paging", many, await bench.ask(many, how), how, "an earlier page in the place of the last")


@asynccontextmanager
async def _recorded(bench: Bench, known: Known) -> AsyncIterator[Sequence[Sent]]:
    """Yield the endpoint's true answers about a person, as they went over the wire."""
    how = Misbehaviour("none", known.marker)
    await bench.ask(known, how)
    yield [sent for sent in how.seen if how.concerns(sent.body)]


async def _swapped(bench: Bench, witness: Known, other: Known) -> Line:
    how = Misbehaviour("swap", witness.marker, other=other.marker)
    return _caught(bench, "binding", witness, await bench.ask(witness, how), how, "another person's number echoed")


async def _replayed(bench: Bench, witness: Known, other: Known) -> Line:
    async with _recorded(bench, other) as seen:
        how = Misbehaviour("replay", witness.marker, recorded=list(seen))
        if not seen:
            return judged("binding", other.name, "another person's whole answer", _NO_ECHO, holds=False)
        return _caught(bench, "binding", witness, await bench.ask(witness, how), how, "another person's whole answer")


async def _deadline(bench: Bench, witness: Known, kind: str) -> Line:
    how = Misbehaviour("hang" if kind == "hang" else "drip", witness.marker)
    asked = await bench.ask(witness, how, deadline_seconds=_SHORT_DEADLINE)
    if not how.touched:
        return judged("deadline", witness.name, kind, _NO_ECHO, holds=False)
    in_time = asked.seconds <= _SHORT_DEADLINE + _GRACE
    got = asked.code.value if in_time else f"{asked.code.value} after {asked.seconds:.1f} s"
    wanted = f"{kind}: unavailable.timeout within {_SHORT_DEADLINE:g} s"
    return judged("deadline", witness.name, wanted, got, holds=in_time and asked.code is OutcomeCode.TIMEOUT)


async def _quota(bench: Bench, witness: Known, times: int) -> Line:
    """429 once: asked again when Retry-After says so, not before. 429 always: given up as rate_limited.

    A database has SQLSTATE 53400 for it, and no Retry-After.
    """
    how = Misbehaviour("busy", witness.marker, retry_after=_RETRY_AFTER, times=times)
    asked = await bench.ask(witness, how)
    refused = how.arrivals[: times + 1]  # and, after the last refusal, the first that was let through
    gaps = [later - earlier for earlier, later in pairwise(refused)]
    patient = bench.is_database or all(gap >= _RETRY_AFTER * 0.95 for gap in gaps)
    code = witness.asked.code if times == 1 and len(how.arrivals) > 1 else OutcomeCode.RATE_LIMITED
    refusal, after = ("SQLSTATE 53400", "") if bench.is_database else ("429", f", Retry-After {_RETRY_AFTER}")
    wanted = f"{refusal} {'once' if times == 1 else 'always'}{after}: {code.value}"
    got = asked.code.value if patient else f"{asked.code.value}, asked again too early"
    return judged("quota", witness.name, wanted, got, holds=patient and asked.code is code)


async def _cut(bench: Bench, witness: Known, share: float) -> Line:
    how = Misbehaviour("cut", witness.marker, share=share)
    return _caught(bench, "malformed", witness, await bench.ask(witness, how), how, f"cut after {share:.0%}, more declared")


async def _shortened(bench: Bench, witness: Known, share: float) -> Line | None:
    if bench.is_database:
        return None
    how = Misbehaviour("shorten", witness.marker, share=share)
    return _caught(bench, "malformed", witness, await bench.ask(witness, how), how, f"the first {share:.0%} sent as the whole")


async def _replaced(bench: Bench, witness: Known, content_type: str) -> Line | None:
    """Send a login page with 200: as what it is, or under the true answer's content type."""
    if bench.is_database:
        return None
    async with _recorded(bench, witness) as seen:
        if not seen:
            return judged("malformed", witness.name, "200 with HTML", _NO_ECHO, holds=False)
        headers = {**seen[0].headers, **({"Content-Type": f"{content_type}; charset=utf-8"} if content_type else {})}
        how = Misbehaviour("replace", witness.marker, recorded=[Sent(200, headers, HTML)])
        what = "200 with HTML" if content_type else "200 with HTML under the right content type"
        return _caught(bench, "malformed", witness, await bench.ask(witness, how), how, what)
