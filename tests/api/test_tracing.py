"""Spans: one per issued version and one per question, in the caller's trace, and nothing of a person in any of them."""

import json
from pathlib import Path

import orjson
import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ParentBasedTraceIdRatio

from tests.api.house import House
from tests.functional import canaries
from verify_service.api.app import create_app
from verify_service.domain.outcome import OutcomeCode
from verify_service.verification.tracing import Tracing

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
NOT_SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
OF_VERSION = {"verification_id", "report_id", "version", "state", "tenant", "purpose", "region", "members", "questions"}
OF_QUESTION = {"source", "member", "outcome", "attempts", "failed_by"}


@pytest.fixture
def exporter(house: House) -> InMemorySpanExporter:
    """Let the house tell a tracer that keeps everything in memory."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(sampler=ParentBasedTraceIdRatio(1.0), shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    house.services.tracing = Tracing(provider.get_tracer("test"))
    house.http._transport.app = create_app(house.services)  # type: ignore[attr-defined]
    return kept


def named(exporter: InMemorySpanExporter, name: str) -> list[ReadableSpan]:
    return [span for span in exporter.get_finished_spans() if span.name == name]


def attributes(span: ReadableSpan) -> dict[str, object]:
    return {name.removeprefix("verify."): value for name, value in (span.attributes or {}).items()}


async def test_one_span_for_the_verification_and_one_for_every_question(house: House, exporter: InMemorySpanExporter) -> None:
    answer = (await house.post()).json()
    (verification,) = named(exporter, "verification")
    questions = named(exporter, "question")
    told = attributes(verification)
    assert set(told) == OF_VERSION
    assert told["verification_id"] == answer["verification"]["id"]
    assert (told["version"], told["state"], told["tenant"], told["members"]) == (1, "partial", "one", 4)
    assert told["questions"] == len(questions)
    assert {frozenset(attributes(span)) for span in questions} == {frozenset(OF_QUESTION)}
    assert {span.parent.span_id for span in questions if span.parent} == {verification.context.span_id}
    asked = [attributes(span) for span in questions if attributes(span)["source"] == "vehicle"]
    assert {span["outcome"] for span in asked} <= set(OutcomeCode)
    assert {span["member"] for span in asked} <= {0, 1, 2, 3}
    assert all(span.start_time <= span.end_time for span in questions if span.start_time and span.end_time)


async def test_failed_question_is_an_error(house: House, exporter: InMemorySpanExporter) -> None:
    await house.post()
    by_failure = {attributes(span)["outcome"]: span.status.is_ok for span in named(exporter, "question")}
    assert by_failure["unavailable.not_connected"] is False
    assert by_failure["answered.no_record"] is True


async def test_spans_belong_to_the_callers_trace_and_keep_its_decision(house: House, exporter: InMemorySpanExporter) -> None:
    await house.post(traceparent=PARENT, baggage="who=990101197905120019")
    (verification,) = named(exporter, "verification")
    assert f"{verification.context.trace_id:032x}" == PARENT.split("-")[1]
    exporter.clear()
    await house.post(traceparent=NOT_SAMPLED)
    assert not exporter.get_finished_spans()


async def test_no_canary_is_in_any_span(house: House, exporter: InMemorySpanExporter, repo_root: Path) -> None:
    body = canaries.canary_household((repo_root / "examples" / "household.json").read_bytes())
    answer = await house.post(orjson.dumps(body), baggage=f"who={canaries.NUMBERS['father']}", tracestate="v=1")
    assert answer.status_code == 200, answer.text
    exported = "\n".join(span.to_json() for span in exporter.get_finished_spans())
    assert json.dumps("verification") in exported
    assert canaries.leaks({"spans": exported.encode()}, canaries.secrets(answer.json()["report"])) == []


async def test_nobody_traces_unless_asked(house: House) -> None:
    assert house.services.tracing is None
    assert "Continued" not in {middleware.cls.__name__ for middleware in house.app.user_middleware}
