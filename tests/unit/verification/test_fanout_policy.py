"""What the fan-out makes of a source's policy: a contract that is broken counts, a refusal says when to come again."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest

from tests.contract.replay import ask_about
from tests.unit.sources.policy.sources import MONDAY, answer, question, runtime, source
from tests.virtual_time import VirtualLoop, run
from verify_service.domain.identity import IdNumber
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode, Question, Subject
from verify_service.sources.adapter import Exchange, SourceClient, WireRequest
from verify_service.sources.failures import invalid
from verify_service.sources.policy import SourceState
from verify_service.verification.fanout import Channel, fan_out

WANG = ask_about(Subject(IdNumber("990101197905120019"), "王示范"), "example")


class Reader:
    """An adapter whose register answers with 200, and with nonsense while `is_broken`."""

    source = source()
    is_broken = True

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        return self.read(questions, [await client.fetch(question)])

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        if self.is_broken:
            raise invalid(OutcomeCode.SCHEMA, "unknown code")
        as_of = exchanges[0].asked_at.date()
        return [Answer(q, Outcome(OutcomeCode.NO_RECORD, as_of=as_of)) for q in questions]


def test_a_register_that_answers_nonsense_is_left_alone_and_found_well_again(monkeypatch: pytest.MonkeyPatch) -> None:
    async def behave(_request: WireRequest) -> Exchange:
        await asyncio.sleep(0.01)
        return answer()

    async def work() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        reader, built = Reader(), runtime(monkeypatch, loop, behave)

        async def asked() -> Outcome:
            (call,) = await fan_out({"example": [WANG]}, channels={"example": Channel(reader, built)}, deadline=loop.time() + 10)
            return call.answers[0].outcome

        assert [(await asked()).code for _ in range(5)] == [OutcomeCode.SCHEMA] * 5
        refused = await asked()
        assert (refused.code, refused.failed_by, refused.attempts) == (OutcomeCode.BREAKER_OPEN, "us", 0)
        assert refused.next_look is not None
        assert timedelta(seconds=5) < refused.next_look - MONDAY < timedelta(seconds=7)
        await asyncio.sleep(6)
        assert (await asked()).code is OutcomeCode.SCHEMA, "a probe"
        assert (await asked()).code is OutcomeCode.BREAKER_OPEN
        reader.is_broken = False
        await asyncio.sleep(12)
        assert [(await asked()).code for _ in range(3)] == [OutcomeCode.NO_RECORD] * 3
        assert built.policy.snapshot().state is SourceState.CLOSED
        await built.close()

    run(work())
