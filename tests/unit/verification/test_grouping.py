"""Calls are shared within the same terms and never beyond; nobody waits for nothing, leaves with another, or pays for one."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.households import id_number, source
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question, Subject
from verify_service.sources.adapter import Exchange, NotYet, SourceClient, Ticket
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint, Source
from verify_service.sources.failures import SourceFailure, invalid
from verify_service.verification.fanout import Call, Channel, fan_out
from verify_service.verification.grouping import Grouping

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
GUARD_SECONDS = 5
LONG_SECONDS = 60.0
WHOLE = Exchange("query", 200, {}, b"{}", "0" * 64, "0" * 64, NOW, NOW)
HELD = 0.02  # long enough for everything that is ready to board


def said_to(question: Question) -> str:
    """Return what the register says about a person, under these terms only: a digest of all that must not be mixed up."""
    q = question
    told = (q.tenant, q.purpose, q.consent, q.basis, q.as_of, q.income_from, q.income_to, q.subject.id_number.reveal(), q.subject.name)
    return hashlib.sha256(repr(told).encode()).hexdigest()


@dataclass
class Register:
    """A register that answers when the gate is open, and remembers which questions came in one call."""

    source: Source
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    calls: list[Sequence[Question]] = field(default_factory=list)
    arrivals: asyncio.Queue[int] = field(default_factory=asyncio.Queue)
    cancelled: int = 0
    failure: Callable[[Sequence[Question]], SourceFailure | None] = lambda _: None

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        self.calls.append(questions)
        self.arrivals.put_nowait(len(questions))
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        failure = self.failure(questions)
        if failure is not None:
            raise failure
        client.exchanges.append(WHOLE)  # type: ignore[attr-defined]
        return self.read(questions, [])

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        del exchanges
        return [
            Answer(q, Outcome(OutcomeCode.NO_RECORD, as_of=NOW.date(), answered_at=NOW, answer_digests=(said_to(q),))) for q in questions
        ]


@dataclass
class LateRegister(Register):
    """A deferred register that gives a ticket."""

    keys: list[str] = field(default_factory=list)

    async def submit(self, questions: Sequence[Question], client: SourceClient, *, dedupe_key: str) -> Ticket:
        del client
        self.calls.append(questions)
        self.keys.append(dedupe_key)
        return Ticket("t", dedupe_key, NOW, NOW + timedelta(days=1))

    async def collect(self, ticket: Ticket, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer] | NotYet:
        raise NotImplementedError


def question(person: int = 1, verification: str = "v1", **changes: Any) -> Question:
    given = Question(
        id=f"{verification}:{person}",
        member=f"m{person}",
        subject=Subject(id_number(sequence=person), f"示例·{person}"),
        source="vehicle",
        tenant="county",
        purpose="01",
        consent=f"SQ-{person}",
        income_from="2025-11",
        income_to="2026-10",
        as_of=date(2026, 11, 24),
        digest=f"{verification}:{person}",
    )
    return replace(given, **changes)


@dataclass
class Desk:
    """One register, and verifications that ask it together."""

    register: Register
    channel: Channel
    grouping: Grouping

    async def ask(self, *questions: Question, client: str = "c", seconds: float = LONG_SECONDS) -> Sequence[Call]:
        """Be one verification."""
        deadline = asyncio.get_running_loop().time() + seconds
        name = self.register.source.id
        asked = {name: questions}
        return await fan_out(asked, channels={name: self.channel}, deadline=deadline, ask=self.grouping.asker(client))


@asynccontextmanager
async def desk(register: Register, *, hold_seconds: float = HELD) -> AsyncIterator[Desk]:
    runtime = SourceRuntime(
        register.source, Endpoint(base_url="http://127.0.0.1:9"), clock=lambda: NOW, randomness=system_randomness(), transport="plain"
    )
    async with asyncio.timeout(GUARD_SECONDS):
        yield Desk(register, Channel(register, runtime), Grouping(hold_seconds=hold_seconds))
    await runtime.close()


def vehicle(**facts: Any) -> Register:
    return Register(source("vehicle", **facts))


def started(asking: Coroutine[Any, Any, Sequence[Call]]) -> "asyncio.Task[Sequence[Call]]":
    return asyncio.get_running_loop().create_task(asking)


def codes(calls: Sequence[Call]) -> list[OutcomeCode]:
    return [a.outcome.code for call in calls for a in call.answers]


def all_bound(calls: Sequence[Call], *questions: Question) -> bool:
    """Say whether every question has exactly its own answer."""
    answers = {a.question.id: a for call in calls for a in call.answers}
    return answers.keys() == {q.id for q in questions} and all(
        answers[q.id].question == q and answers[q.id].outcome.answer_digests == (said_to(q),) for q in questions
    )


async def test_a_verification_that_is_alone_does_not_wait() -> None:
    async with desk(vehicle(), hold_seconds=LONG_SECONDS) as at:
        at.register.gate.set()
        calls = await at.ask(question())
    assert all_bound(calls, question())
    assert calls[0].share is None


async def test_who_comes_while_others_are_in_flight_shares_a_call() -> None:
    async with desk(vehicle()) as at:
        first = started(at.ask(question(1, "a")))
        await at.register.arrivals.get()
        others = [started(at.ask(question(n, f"v{n}"), question(n + 10, f"v{n}"))) for n in (2, 3, 4)]
        await at.register.arrivals.get()
        at.register.gate.set()
        answered = await asyncio.gather(first, *others)
    assert [len(call) for call in at.register.calls] == [1, 6]
    assert all(all_bound(calls, question(n, f"v{n}"), question(n + 10, f"v{n}")) for n, calls in enumerate(answered[1:], 2))
    shares = [calls[0].share for calls in answered[1:]]
    assert len({id(share.call) for share in shares if share is not None}) == 1
    assert all(calls[0].exchanges == () for calls in answered[1:])


async def test_a_full_call_is_sent_at_once_and_no_household_is_torn() -> None:
    async with desk(vehicle(subjects_per_call=5), hold_seconds=LONG_SECONDS) as at:
        at.register.gate.set()
        asked = [[question(10 * v + n, f"v{v}") for n in range(2)] for v in range(1, 4)]
        full = [question(n, "w") for n in (91, 92, 93)]
        await asyncio.gather(*(at.ask(*own) for own in asked), at.ask(*full))
    households = [{q.digest.partition(":")[0] for q in call} for call in at.register.calls]
    assert [len(call) for call in at.register.calls] == [4, 5]
    assert households == [{"v1", "v2"}, {"v3", "w"}]


async def test_more_people_than_a_call_takes_are_asked_in_several() -> None:
    async with desk(vehicle(subjects_per_call=2), hold_seconds=LONG_SECONDS) as at:
        at.register.gate.set()
        family = [question(n) for n in range(1, 6)]
        assert all_bound(await at.ask(*family), *family)
    assert sorted(len(call) for call in at.register.calls) == [1, 2, 2]


@pytest.mark.parametrize(
    "changes",
    [{"tenant": "other"}, {"purpose": "06"}, {"as_of": date(2026, 11, 23)}, {"basis": "legal_basis"}, {"income_from": "2025-10"}],
    ids=lambda changes: next(iter(changes)),
)
async def test_other_terms_are_another_call(changes: dict[str, Any]) -> None:
    async with desk(vehicle()) as at:
        at.register.gate.set()
        mine, theirs = question(1, "a"), question(1, "b", **changes)
        answered = await asyncio.gather(at.ask(mine), at.ask(theirs), at.ask(question(2, "c")))
    assert all_bound(answered[0], mine)
    assert all_bound(answered[1], theirs)
    assert sorted(len(call) for call in at.register.calls) == [1, 2]


async def test_another_client_of_the_tenant_is_another_call() -> None:
    async with desk(vehicle()) as at:
        at.register.gate.set()
        await asyncio.gather(at.ask(question(1, "a")), at.ask(question(1, "b"), client="d"))
    assert [len(call) for call in at.register.calls] == [1, 1]


async def test_a_question_in_flight_is_asked_once() -> None:
    """In the call that is being filled and in the one under way; each verification gets it as an answer to its own question."""
    async with desk(vehicle()) as at:
        mine = [question(1, f"v{n}", member=f"her{n}") for n in range(4)]
        first = started(at.ask(mine[0]))
        await at.register.arrivals.get()
        rest = [started(at.ask(q, question(5, q.digest.partition(":")[0]))) for q in mine[1:]]
        await at.register.arrivals.get()
        at.register.gate.set()
        answered = await asyncio.gather(first, *rest)
    assert [len(call) for call in at.register.calls] == [1, 1]
    assert all_bound(answered[0], mine[0])
    assert all(all_bound(calls, q, question(5, q.digest.partition(":")[0])) for q, calls in zip(mine[1:], answered[1:], strict=True))


async def test_the_same_person_under_another_consent_is_another_question() -> None:
    async with desk(vehicle()) as at:
        at.register.gate.set()
        asked = [question(1, "a"), question(1, "b", consent="SQ-other")]
        answered = await asyncio.gather(*(at.ask(q) for q in asked))
    assert [len(call) for call in at.register.calls] == [2]
    assert all(all_bound(calls, q) for q, calls in zip(asked, answered, strict=True))


async def test_a_question_is_asked_again_once_its_answer_is_there() -> None:
    async with desk(vehicle()) as at:
        at.register.gate.set()
        await at.ask(question(1, "a"))
        await at.ask(question(1, "b"))
    assert [len(call) for call in at.register.calls] == [1, 1]


async def test_who_has_less_time_leaves_and_the_others_get_their_answer() -> None:
    async with desk(vehicle()) as at:
        hasty = started(at.ask(question(1, "a"), seconds=0.1))
        patient = started(at.ask(question(2, "b")))
        left = await hasty
        at.register.gate.set()
        stayed = await patient
    assert codes(left) == [OutcomeCode.TIMEOUT]
    assert left[0].exchanges == []
    assert left[0].share is None
    assert all_bound(stayed, question(2, "b"))
    assert [len(call) for call in at.register.calls] == [2]


async def test_cancelling_one_verification_cancels_no_other() -> None:
    async with desk(vehicle()) as at:
        gone, stays = started(at.ask(question(1, "a"))), started(at.ask(question(2, "b")))
        await at.register.arrivals.get()
        gone.cancel()
        await asyncio.wait([gone])
        at.register.gate.set()
        assert all_bound(await stays, question(2, "b"))
    assert gone.cancelled()
    assert at.register.cancelled == 0


async def test_a_call_that_everybody_left_is_given_up_and_not_boarded_again() -> None:
    async with desk(vehicle()) as at:
        both = [started(at.ask(question(n, f"v{n}"))) for n in (1, 2)]
        await at.register.arrivals.get()
        for one in both:
            one.cancel()
        await asyncio.wait(both)
        late = started(at.ask(question(1, "c")))
        await at.register.arrivals.get()
        at.register.gate.set()
        assert all_bound(await late, question(1, "c"))
    assert at.register.cancelled == 1


async def test_a_failed_call_is_an_outcome_for_each_of_its_questions() -> None:
    register = vehicle()
    register.failure = lambda _: SourceFailure(OutcomeCode.HTTP_5XX, failed_by="source", detail="status 503")
    async with desk(register) as at:
        register.gate.set()
        answered = await asyncio.gather(*(at.ask(question(n, f"v{n}"), question(n + 10, f"v{n}")) for n in (1, 2)))
    assert [codes(calls) for calls in answered] == [[OutcomeCode.HTTP_5XX] * 2] * 2
    assert [call.share for calls in answered for call in calls] == [None, None]
    assert len(register.calls) == 1


async def test_one_households_damage_does_not_spoil_the_others() -> None:
    """A call that cannot be trusted is asked again apart, so that only who caused it keeps invalid."""
    register = vehicle()
    register.failure = lambda asked: invalid(OutcomeCode.CONTRADICTION, "counts") if any(q.member == "m1" for q in asked) else None
    async with desk(register) as at:
        register.gate.set()
        spoilt, clean = await asyncio.gather(at.ask(question(1, "a")), at.ask(question(2, "b")))
    assert codes(spoilt) == [OutcomeCode.CONTRADICTION]
    assert all_bound(clean, question(2, "b"))
    assert sorted(len(call) for call in register.calls) == [1, 1, 2]


async def test_who_joined_a_call_with_an_earlier_deadline_asks_again_when_it_ends() -> None:
    async with desk(vehicle()) as at:
        hasty = started(at.ask(question(1, "a"), seconds=0.4))
        await at.register.arrivals.get()
        patient = started(at.ask(question(1, "b")))
        assert codes(await hasty) == [OutcomeCode.TIMEOUT]
        await at.register.arrivals.get()
        at.register.gate.set()
        assert all_bound(await patient, question(1, "b"))


async def test_deferred_sources_are_asked_apart_under_a_key_of_the_verification_alone() -> None:
    register = LateRegister(source("securities", mode="deferred"))
    async with desk(register) as at:
        await asyncio.gather(*(at.ask(question(n, f"v{n}", source="securities")) for n in (1, 2)))
        together = set(register.keys)
        await at.ask(question(1, "v1", source="securities"))
    assert [len(call) for call in register.calls] == [1, 1, 1]
    assert register.keys[2] in together


async def test_nothing_is_remembered_when_all_have_gone() -> None:
    async with desk(vehicle()) as at:
        at.register.gate.set()
        await asyncio.gather(*(at.ask(question(n, f"v{n}"), client=f"c{n % 2}") for n in range(1, 9)))
        assert at.grouping._companies == {}


def drawn(draws: random.Random, number: int) -> Question:
    """Draw from so few values that almost every pair agrees in all but one."""
    return question(
        draws.randint(1, 3),
        f"v{number}",
        tenant=draws.choice(["x", "y"]),
        purpose=draws.choice(["01", "06"]),
        consent=draws.choice(["SQ-1", "SQ-2"]),
        basis=draws.choice(["consent", "legal_basis"]),
        as_of=date(2026, 11, draws.randint(1, 2)),
    )


async def crossings(draws: random.Random, verifications: int) -> tuple[int, int]:
    """Let many verifications ask at once; return how many answers were shared, and how many came from other terms."""
    async with desk(vehicle(subjects_per_call=50), hold_seconds=0.001) as at:
        at.register.gate.set()
        asked = [drawn(draws, n) for n in range(verifications)]
        clients = [draws.choice(["c", "d"]) for _ in asked]
        answered = await asyncio.gather(*(at.ask(q, client=client) for q, client in zip(asked, clients, strict=True)))
    for call in at.register.calls:
        assert len({(q.tenant, q.purpose, q.basis, q.as_of) for q in call}) == 1
    wrong = sum(not all_bound(calls, q) for q, calls in zip(asked, answered, strict=True))
    asked_by = dict(zip((q.digest for q in asked), clients, strict=True))
    assert all(len({asked_by[q.digest] for q in call}) == 1 for call in at.register.calls)
    return verifications - sum(map(len, at.register.calls)), wrong


async def test_no_answer_crosses_tenant_client_purpose_consent_or_day() -> None:
    draws = random.Random(20261124)
    found = [await crossings(draws, 1000) for _ in range(10)]
    assert sum(wrong for _, wrong in found) == 0
    assert sum(shared for shared, _ in found) > 5000


@pytest.mark.soak
async def test_no_answer_crosses_in_a_million_draws() -> None:
    draws = random.Random(1)
    found = [await crossings(draws, 1000) for _ in range(1000)]
    assert sum(wrong for _, wrong in found) == 0
