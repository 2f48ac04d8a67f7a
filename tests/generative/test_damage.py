"""Damage at random places of every source's real answers: nothing found is never read out of it, and no record is lost in it.

Two promises. A body cut short is never a fact. Any other damage is either noticed, or leaves every person with the kind of
answer she had and with all of her records: a wrong digit inside a value cannot be seen where a protocol has no digest over its
body, a lost record always can. Where the protocol has a digest, nothing at all passes.
"""

import asyncio
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import pytest
from pydantic import ValidationError

from tests.contract.replay import Contract
from tests.generative.mutations import damaged
from verify_service.bootstrap import installed_adapters, installed_cases
from verify_service.domain.outcome import Answer, OutcomeCode, Question
from verify_service.sandbox.registry import registers
from verify_service.sources.adapter import AnyAdapter, Exchange
from verify_service.sources.failures import SourceFailure

IN_CI, IN_SOAK = 100_000, 1_000_000
FACTS = {OutcomeCode.RECORDS, OutcomeCode.NO_RECORD}
SOURCES = tuple(registers())
DIGEST_OVER_THE_BODY = {"vehicle", "securities", "deposits"}
LONGEST = 20_000  # bytes: damage to a longer body tells nothing that damage to a shorter one does not


@dataclass(frozen=True)
class Recording:
    """One call as it was answered: its questions, the exchanges of it, and what they say."""

    questions: Sequence[Question]
    exchanges: Sequence[Exchange]
    answers: Mapping[str, Answer]


def recordings(source: str) -> Iterator[Recording]:
    """Ask the simulated register about every case's person alone, and about all whose cases stand for a fact at once."""
    kind = registers()[source]
    contract = Contract(installed_adapters()[source], lambda world: kind.build(world, 0), kind.credentials, installed_cases()[source])
    factual = [name for name, case in contract.cases.items() if case.expected.code in FACTS]
    for names in ([name] for name in factual):
        yield _record(contract, names)
    yield _record(contract, factual[: contract.adapter.source.subjects_per_call])


def _record(contract: Contract, names: Sequence[str]) -> Recording:
    client = contract.client()
    answers = asyncio.run(contract.answers(*names, client=client))
    questions = contract.questions(*names)
    assert {a.outcome.code for a in answers} <= FACTS, names
    return Recording(questions, client.exchanges, {a.question.id: a for a in answers})


def misread(adapter: AnyAdapter, recording: Recording, which: int, body: bytes) -> str | None:
    """Read the recording with the body of one exchange replaced; return what is wrong with the reading, if anything."""
    exchanges = list(recording.exchanges)
    exchanges[which] = replace(exchanges[which], body=body)
    try:
        answers = adapter.read(recording.questions, exchanges)
    except ValidationError:
        return None  # the fan-out makes invalid.schema of it; whatever else a reader raises fails this test
    except SourceFailure as failure:
        return None if failure.code not in FACTS else "a failure that is a fact"
    cut_short = recording.exchanges[which].body.startswith(body)
    digested = adapter.source.id in DIGEST_OVER_THE_BODY and which == len(exchanges) - 1
    return next(filter(None, (_wrong(a, recording.answers[a.question.id], sealed=cut_short or digested) for a in answers)), None)


def _wrong(read: Answer, true: Answer, *, sealed: bool) -> str | None:
    code = read.outcome.code
    if code in FACTS and sealed:
        return "a damaged body was a fact"
    if code in FACTS and code is not true.outcome.code:
        return f"{true.outcome.code} became {code}"
    if code is OutcomeCode.PERSON_NOT_FOUND and true.records:
        return f"a person with records became {code}"
    if code in FACTS and len(read.records) < len(true.records):
        return "a record was lost"
    return None


def strike(source: str, times: int, *, seed: int) -> None:
    """Damage `times` bodies of a source and hold every reading against the true answers."""
    adapter, chance = installed_adapters()[source], random.Random(f"{source}-{seed}")
    found = [r for r in recordings(source) if max(len(e.body) for e in r.exchanges) <= LONGEST]
    for n in range(times):
        recording = found[n % len(found)]
        which = chance.choice([i for i, e in enumerate(recording.exchanges) if e.step != "submit"])
        body = damaged(recording.exchanges[which].body, chance)
        wrong = misread(adapter, recording, which, body)
        assert wrong is None, (wrong, source, n, recording.exchanges[which].step)


@pytest.mark.parametrize("source", SOURCES)
def test_damage_is_noticed_or_loses_nothing(source: str) -> None:
    strike(source, IN_CI // len(SOURCES), seed=1)


@pytest.mark.soak
@pytest.mark.parametrize("source", SOURCES)
def test_a_million_damages(source: str) -> None:
    strike(source, IN_SOAK // len(SOURCES), seed=2)


@pytest.mark.parametrize("source", SOURCES)
def test_a_reader_that_forgives_would_be_caught(source: str) -> None:
    """Teeth: the same damage, held against answers that had one record more, is called a loss."""
    recording = next(r for r in recordings(source) if any(a.records for a in r.answers.values()))
    richer = {name: replace(a, records=(*a.records, *a.records)) for name, a in recording.answers.items()}
    adapter = installed_adapters()[source]
    answers = adapter.read(recording.questions, recording.exchanges)
    assert any(_wrong(a, richer[a.question.id], sealed=False) == "a record was lost" for a in answers)
    assert any(_wrong(a, recording.answers[a.question.id], sealed=True) for a in answers)
    assert misread(adapter, recording, len(recording.exchanges) - 1, recording.exchanges[-1].body) is not None
