"""Run one shape: ask open-loop, then hold every answer against the truth and against what the front let through."""

import asyncio
import statistics
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime

from bench.outages.front import Front, fronting
from bench.outages.shapes import EVERYWHERE, SHAPES, Act
from verify_service.bootstrap import installed_adapters, installed_cases, utc_now
from verify_service.domain.identity import IdNumber
from verify_service.domain.outcome import Answer, OutcomeClass, Question, Subject
from verify_service.sandbox.population import Population, name_of
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.sources.client import SourceRuntime, system_randomness
from verify_service.sources.definition import Endpoint, Quota
from verify_service.verification.fanout import Channel, fan_out

STRUCK, OTHER = "vehicle", "business_registration"
DEADLINE_SECONDS = 4.0
_MARGIN_SECONDS = 0.3  # an answer that left the front this long before deadline and attempt ended had arrived
_OPEN_QUOTA = Quota(per_second=100_000, per_day=100_000_000)  # the shape decides, not the contract


@dataclass
class Result:
    """What one shape did to the struck register (and, with `other`, to the one beside it)."""

    shape: str
    seconds: float
    asked: int = 0
    answered: int = 0
    calls: int = 0
    other_asked: int = 0
    other_answered: int = 0
    lost: int = 0
    misread: int = 0
    latencies: list[float] = field(default_factory=list, repr=False)

    @property
    def p99(self) -> float:
        return statistics.quantiles(self.latencies, n=100)[98] if len(self.latencies) > 1 else 0.0


def question(person: str, source: str, day: datetime) -> Question:
    """Return one question about a person of the synthetic population."""
    return Question(
        id=f"{person}-{source}",
        member="m1",
        subject=Subject(IdNumber.parse(person), name_of(person)),
        source=source,
        tenant="bench",
        purpose="01",
        consent="SQ-1",
        income_from=f"{day.year - 1}-{day.month:02}",
        income_to=f"{day.year}-{day.month:02}",
        as_of=day.date(),
        digest=f"{person}{source}".encode().hex()[:64],
    )


def people(count: int, day: datetime) -> list[str]:
    """Return identity numbers of the population."""
    population = Population(1, as_of=day.date())
    found: list[str] = []
    household = 0
    while len(found) < count:
        found.extend(population.household("990101", household))
        household += 1
    return found[:count]


def channel(source: str, endpoint: Endpoint) -> Channel:
    """Reach a source as the service does, one person a call and without a contract on the rate."""
    adapter = installed_adapters()[source]
    adapter.source = adapter.source.model_copy(update={"subjects_per_call": 1, "quota": _OPEN_QUOTA})
    return Channel(adapter, SourceRuntime(adapter.source, endpoint, clock=utc_now, randomness=system_randomness()))


async def run(shape: str, *, seconds: float, rate: float, seed: int) -> Result:
    """Ask about another person every 1/rate seconds for a while, each with the whole deadline."""
    day = datetime.now(UTC)
    persons = people(int(seconds * rate), day)
    async with AsyncExitStack() as stack:
        registers = await stack.enter_async_context(serve_registers(installed_cases(), SandboxOptions(seed=1), clock=utc_now))
        truth = await _truth({s: registers[s] for s in (STRUCK, OTHER)}, persons, day)
        fronts: dict[str, Front] = {}
        channels: dict[str, Channel] = {}
        for source in (STRUCK, OTHER):
            struck = source == STRUCK or shape in EVERYWHERE
            form = SHAPES[shape] if struck else _untouched
            fronts[source], endpoint = await stack.enter_async_context(fronting(registers[source], form, seed=seed, seconds=seconds))
            channels[source] = channel(source, endpoint)
            stack.push_async_callback(channels[source].runtime.close)
        result = Result(shape, seconds)
        asked = await _load(persons, channels, fronts, rate=rate, day=day, result=result)
        _judge(asked, truth, fronts, result)
        return result


def _untouched(_now: object, _chance: object) -> Act:
    return Act()


async def _truth(registers: dict[str, Endpoint], persons: Sequence[str], day: datetime) -> dict[str, Answer]:
    """Ask the registers themselves, with nothing in between."""
    found: dict[str, Answer] = {}
    for source, endpoint in registers.items():
        direct = channel(source, endpoint)
        try:
            for person in persons:
                deadline = asyncio.get_running_loop().time() + 30
                (call,) = await fan_out({source: [question(person, source, day)]}, channels={source: direct}, deadline=deadline)
                found[call.answers[0].question.id] = call.answers[0]
        finally:
            await direct.runtime.close()
    return found


async def _load(
    persons: Sequence[str], channels: dict[str, Channel], fronts: dict[str, Front], *, rate: float, day: datetime, result: Result
) -> list[tuple[Answer, float]]:
    """Return every answer with its deadline."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    for front in fronts.values():
        front.began = began

    async def ask(person: str) -> list[tuple[Answer, float]]:
        start, deadline = loop.time(), loop.time() + DEADLINE_SECONDS
        calls = await fan_out({s: [question(person, s, day)] for s in channels}, channels=channels, deadline=deadline)
        result.latencies.append(loop.time() - start)
        return [(answer, deadline) for call in calls for answer in call.answers]

    async with asyncio.TaskGroup() as group:
        tasks = []
        for n, person in enumerate(persons):
            await asyncio.sleep(max(0.0, began + n / rate - loop.time()))
            tasks.append(group.create_task(ask(person)))
    return [pair for task in tasks for pair in task.result()]


def _judge(asked: Sequence[tuple[Answer, float]], truth: dict[str, Answer], fronts: dict[str, Front], result: Result) -> None:
    result.calls = fronts[STRUCK].calls
    patience = installed_adapters()[STRUCK].source.limits.attempt_timeout_ms / 1000 - _MARGIN_SECONDS
    for answer, deadline in asked:
        true, code = truth[answer.question.id], answer.outcome.code
        if true.outcome.code.outcome_class is not OutcomeClass.ANSWERED:
            continue
        is_fact = code.outcome_class is OutcomeClass.ANSWERED
        is_struck = answer.question.source == STRUCK
        result.asked += is_struck
        result.answered += is_struck and is_fact
        result.other_asked += not is_struck
        result.other_answered += not is_struck and is_fact
        left = fronts[answer.question.source].whole.get(answer.question.subject.id_number.reveal().encode(), [])
        if is_fact and (not left or (code, answer.records) != (true.outcome.code, true.records)):
            result.misread += 1
        if not is_fact and any(at < deadline - _MARGIN_SECONDS and took < patience for at, took in left):
            result.lost += 1
