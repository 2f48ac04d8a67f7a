"""Spans (OpenTelemetry) of a verification and of every question in it, without a word about a person.

They begin and end when the thing itself does; attempts at a register are told beside them (sources/attempt_spans.py). An
answer that comes with a later version is told with that version. A member is told by her place in the household, never by
the caller's name for her. Nobody traces unless asked: then none of this runs.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from functools import partial

from opentelemetry import context, trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from verify_service.domain.outcome import Answer, Outcome, OutcomeClass, Question
from verify_service.verification.fanout import Ask, Call, Channel
from verify_service.verification.verify import Job, Verified

_FAILED = frozenset({OutcomeClass.UNAVAILABLE, OutcomeClass.INVALID})
_verifying: ContextVar[Span | None] = ContextVar("verifying", default=None)


class Tracing:
    """Tells a tracer what is done and when."""

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        # Of the caller's headers only the trace: its baggage could say anything.
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def continued(self, headers: Mapping[str, str]) -> Iterator[None]:
        """Let spans of this block, and of tasks begun in it, belong to the caller's trace (W3C traceparent)."""
        token = context.attach(self._propagator.extract(headers))
        try:
            yield
        finally:
            context.detach(token)

    @contextmanager
    def verifying(self, job: Job) -> Iterator[None]:
        """Trace this block as the job's verification, from its acceptance until `issued`; without that it is an error."""
        span = self._tracer.start_span("verification", start_time=_nanoseconds(job.accepted_at))
        token = _verifying.set(span)
        try:
            # An exception's text may say what a register or a caller sent.
            with trace.use_span(span, record_exception=False, set_status_on_exception=False):
                yield
        finally:
            _verifying.reset(token)
            if span.is_recording():
                span.set_status(Status(StatusCode.ERROR))
                span.end()

    def asking(self, job: Job, unasked: Sequence[Answer], ask: Ask) -> Ask:
        """As Spans.asking. A trace that is not sampled costs nothing more."""
        if not trace.get_current_span().is_recording():
            return ask
        places = _places(job)
        for answer in unasked:
            _end(self._question(answer.question, places), answer.outcome)
        return partial(self._asked, places, ask)

    async def _asked(
        self, places: Mapping[str, int], ask: Ask, channel: Channel, questions: Sequence[Question], deadline: float
    ) -> Sequence[Call]:
        spans = {question.id: self._question(question, places) for question in questions}
        try:
            calls = await ask(channel, questions, deadline)
            for answer in (answer for call in calls for answer in call.answers):
                _end(spans.pop(answer.question.id), answer.outcome)
        finally:
            for span in spans.values():
                span.end()
        return calls

    def issued(self, verified: Verified, *, at: datetime) -> None:
        """Tell of a report version that became durable `at` this instant."""
        span = _verifying.get() or self._later(verified, at)
        span.set_attributes(_of_version(verified))
        span.end(_nanoseconds(at))

    def _later(self, verified: Verified, at: datetime) -> Span:
        """Begin the span of a version that was not verified here from the start, with the questions answered in it."""
        began = min((a.outcome.asked_at for a in verified.changed if a.outcome.asked_at is not None), default=verified.issued_at)
        span = self._tracer.start_span("verification", start_time=_nanoseconds(began))
        if span.is_recording():
            places, parent = _places(verified.job), trace.set_span_in_context(span)
            for answer in verified.changed:
                outcome = answer.outcome
                question = self._question(answer.question, places, parent=parent, began=_nanoseconds(outcome.asked_at or began))
                _end(question, outcome, at=_nanoseconds(outcome.answered_at or at))
        return span

    def _question(
        self, question: Question, places: Mapping[str, int], *, parent: context.Context | None = None, began: int | None = None
    ) -> Span:
        attributes: dict[str, str | int] = {"verify.source": question.source, "verify.member": places.get(question.member, -1)}
        return self._tracer.start_span("question", context=parent, start_time=began, attributes=attributes)


def _end(span: Span, outcome: Outcome, *, at: int | None = None) -> None:
    told = {"outcome": outcome.code.value, "attempts": outcome.attempts, "failed_by": outcome.failed_by or "nobody"}
    span.set_attributes({f"verify.{name}": value for name, value in told.items()})
    if outcome.code.outcome_class in _FAILED:
        span.set_status(Status(StatusCode.ERROR))
    span.end(at)


def _places(job: Job) -> dict[str, int]:
    return {member.ref: place for place, member in enumerate(job.request.household.members)}


def _of_version(verified: Verified) -> dict[str, str | int]:
    job, header = verified.job, verified.report["header"]
    return {
        "verify.verification_id": job.verification_id,
        "verify.report_id": header["report_id"],
        "verify.version": header["version"],
        "verify.state": header["state"],
        "verify.tenant": job.tenant,
        "verify.purpose": job.request.purpose.value,
        "verify.region": job.request.region,
        "verify.members": len(job.request.household.members),
        "verify.questions": len(verified.changed),
    }


def _nanoseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1_000_000) * 1000
