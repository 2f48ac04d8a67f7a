"""One span per attempt at a register (OpenTelemetry), without a word about a person: a retry is a second one."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from opentelemetry.trace import Status, StatusCode, Tracer

from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.failures import SourceFailure
from verify_service.sources.policy import Lane

T = TypeVar("T")
_WHOLE = "whole"  # the answer arrived; what it says is the question's outcome


async def traced(attempt: Awaitable[T], tracer: Tracer, *, source: str, lane: Lane, number: int) -> T:
    """Await an attempt, in a span of the verification that caused it. `number` counts the attempts at one message from 1.

    A failure's text is not in it: a span's reader may see no more than an outcome.
    """
    span = tracer.start_span("attempt", attributes={"verify.source": source, "verify.lane": lane, "verify.attempt": number})
    outcome = "not_made"
    try:
        answer = await attempt
        outcome = _WHOLE
    except SourceFailure as failure:
        outcome = failure.code.value
        raise
    except asyncio.CancelledError:
        outcome = OutcomeCode.TIMEOUT.value
        raise
    finally:
        span.set_attribute("verify.outcome", outcome)
        if outcome != _WHOLE:
            span.set_status(Status(StatusCode.ERROR))
        span.end()
    return answer
