"""Spans of questions and attempts over real sockets: made when it happens, a retry beside the first, nothing of a person."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import SecretStr

from tests.functional.conftest import Open
from tests.functional.raw_server import sends, serving
from tests.functional.test_one_register_misbehaves import verified
from verify_service.sandbox.registers.vehicle import CREDENTIALS
from verify_service.services import Services
from verify_service.sources.definition import Endpoint
from verify_service.verification.tracing import Tracing

BUSY = sends(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n")


@dataclass
class Traced:
    """A tracer that keeps everything in memory."""

    provider: TracerProvider
    exporter: InMemorySpanExporter

    def watch(self, services: Services) -> None:
        tracer = self.provider.get_tracer("test")
        services.tracing = Tracing(tracer)
        for channel in services.channels.values():
            channel.runtime.tracer = tracer

    def named(self, name: str, source: str) -> list[ReadableSpan]:
        return [s for s in self.exporter.get_finished_spans() if s.name == name and told(s)["source"] == source]


@pytest.fixture
def traced() -> Iterator[Traced]:
    exporter, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    yield Traced(provider, exporter)
    provider.shutdown()


def told(span: ReadableSpan) -> dict[str, object]:
    return {name.removeprefix("verify."): value for name, value in (span.attributes or {}).items()}


async def test_a_retry_is_a_second_span_beside_the_first_in_the_verifications(opened: Open, household: bytes, traced: Traced) -> None:
    credentials = {name: SecretStr(value) for name, value in CREDENTIALS.items()}
    async with serving(BUSY) as url, opened(instead={"vehicle": Endpoint(base_url=url, credentials=credentials)}) as services:
        traced.watch(services)
        await verified(services, household)
    (verification,) = (s for s in traced.exporter.get_finished_spans() if s.name == "verification")
    attempts = traced.named("attempt", "vehicle")
    failed = {"source": "vehicle", "lane": "live", "outcome": "unavailable.http_5xx"}
    assert [told(span) for span in attempts] == [{**failed, "attempt": number} for number in (1, 2)]
    assert not any(span.status.is_ok or span.events for span in attempts)
    assert {told(span)["outcome"] for span in traced.named("attempt", "pension")} == {"whole"}
    children = [span for span in traced.exporter.get_finished_spans() if span is not verification]
    assert {span.parent.span_id for span in children if span.parent} == {verification.context.span_id}
    assert all(verification.start_time <= span.start_time <= span.end_time <= verification.end_time for span in children)  # type: ignore[operator]


async def test_a_question_lasts_from_asking_to_its_answer_and_each_has_one(opened: Open, household: bytes, traced: Traced) -> None:
    async with opened() as services:
        traced.watch(services)
        report = await verified(services, household)
    for source in ("vehicle", "housing_fund"):
        questions, attempts = traced.named("question", source), traced.named("attempt", source)
        assert sorted(told(span)["member"] for span in questions) == [0, 1, 2, 3]  # type: ignore[type-var]
        assert all(q.start_time <= a.start_time <= a.end_time <= q.end_time for q in questions for a in attempts)  # type: ignore[operator]
    cells = {(cell["source"], cell["outcome"]) for cell in report["coverage"] if cell["source"] in services.channels}
    spans = [told(span) for span in traced.exporter.get_finished_spans() if span.name == "question"]
    assert {(told["source"], told["outcome"]) for told in spans if told["source"] in services.channels} == cells


async def test_a_verification_that_comes_to_nothing_is_a_span_that_failed(opened: Open, household: bytes, traced: Traced) -> None:
    async with opened() as services:
        traced.watch(services)
        services.verifier.channels["pension"] = None  # type: ignore[index]
        with pytest.raises(AttributeError):
            await verified(services, household)
    (verification,) = (s for s in traced.exporter.get_finished_spans() if s.name == "verification")
    assert not verification.status.is_ok
    assert not verification.events
