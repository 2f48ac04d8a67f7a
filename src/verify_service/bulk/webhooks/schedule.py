"""When a delivery is tried again, and when an endpoint is left alone for a while. Pure: time and chance are passed in.

Ten attempts within about three days, as Standard Webhooks advises: 5 s, 5 min, 30 min, 2, 5, 10, 14, 20, 24 h. Each delay is
drawn up to a tenth longer, so that what failed together does not come back together.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from verify_service.bulk.webhooks.sender import Attempt
from verify_service.storage.webhook_deliveries import TRIAL_AFTER
from verify_service.storage.webhook_records import DeliveryClaim, DeliveryState, Settlement

_HOUR = timedelta(hours=1)
DELAYS = (timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30), *(hours * _HOUR for hours in (2, 5, 10, 14, 20, 24)))
_SHORTEST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=30), _HOUR
_LONGEST_WISH = timedelta(days=1)
_JITTER = 0.1
Uniform = Callable[[float, float], float]


def settled(claim: DeliveryClaim, attempt: Attempt, *, now: datetime, uniform: Uniform) -> Settlement:
    """Return what an attempt means for the delivery and its endpoint."""
    if attempt.is_delivered:
        return Settlement(DeliveryState.DELIVERED, now, attempt.outcome, 0, None, is_gone=False, now=now)
    failures = claim.failures + 1
    is_dead = attempt.is_gone or claim.attempts > len(DELAYS)
    due_at = now if is_dead else now + _delay(claim.attempts, attempt, uniform)
    state = DeliveryState.DEAD if is_dead else DeliveryState.WAITING
    return Settlement(state, due_at, attempt.outcome, failures, _pause(failures, now), is_gone=attempt.is_gone, now=now)


def _delay(attempts: int, attempt: Attempt, uniform: Uniform) -> timedelta:
    """Return how long to wait after attempt number `attempts`: as long as the receiver wishes, if that is longer."""
    planned = DELAYS[attempts - 1] * (1 + uniform(0, _JITTER))
    wished = timedelta(seconds=attempt.retry_after_seconds)
    return max(planned, min(wished, _LONGEST_WISH))


def _pause(failures: int, now: datetime) -> datetime | None:
    """Return until when an endpoint is not tried at all: from 30 s after five failures in a row, doubling up to an hour."""
    if failures < TRIAL_AFTER:
        return None
    doublings = min(failures - TRIAL_AFTER, 10)
    return now + min(_SHORTEST_PAUSE * (1 << doublings), _LONGEST_PAUSE)
