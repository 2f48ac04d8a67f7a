"""One span per issued report version and one per question in it (OpenTelemetry), without a word about a person.

Spans are made from what the outcomes say when a version is issued, with the times that they say, so that asking costs
nothing more when nobody traces. A member is told by her place in the household, never by the caller's name for her.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime

from opentelemetry import context, trace
from opentelemetry.trace import Span, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from verify_service.domain.outcome import Answer, OutcomeClass
from verify_service.verification.verify import Verified

_FAILED = frozenset({OutcomeClass.UNAVAILABLE, OutcomeClass.INVALID})


class Tracing:
    """Tells a tracer of what was issued."""

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

    def issued(self, verified: Verified, *, at: datetime) -> None:
        """Tell of a report version that became durable `at` this instant."""
        asked = [a.outcome.asked_at for a in verified.changed if a.outcome.asked_at is not None]
        began = verified.job.accepted_at if verified.report["header"]["version"] == 1 else min(asked, default=verified.issued_at)
        span = self._tracer.start_span("verification", start_time=_nanoseconds(began), attributes=_of_version(verified))
        if span.is_recording():
            places = {member.ref: place for place, member in enumerate(verified.job.request.household.members)}
            for answer in verified.changed:
                self._question(span, answer, place=places.get(answer.question.member, -1), began=began, at=at)
        span.end(_nanoseconds(at))

    def _question(self, parent: Span, answer: Answer, *, place: int, began: datetime, at: datetime) -> None:
        outcome = answer.outcome
        span = self._tracer.start_span(
            "question",
            context=trace.set_span_in_context(parent),
            start_time=_nanoseconds(outcome.asked_at or began),
            attributes={
                "verify.source": answer.question.source,
                "verify.member": place,
                "verify.outcome": outcome.code.value,
                "verify.attempts": outcome.attempts,
                "verify.failed_by": outcome.failed_by or "nobody",
            },
        )
        if outcome.code.outcome_class in _FAILED:
            span.set_status(Status(StatusCode.ERROR))
        span.end(_nanoseconds(outcome.answered_at or at))


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
