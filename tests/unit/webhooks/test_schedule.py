"""When a delivery is tried again: ten attempts over three days, no longer than a receiver wishes, and then it is dead."""

from datetime import UTC, datetime, timedelta

import pytest

from verify_service.bulk.webhooks.schedule import DELAYS, settled
from verify_service.bulk.webhooks.sender import Attempt
from verify_service.storage.webhook_records import DeliveryClaim, DeliveryState, Settlement

NOW = datetime(2026, 11, 24, tzinfo=UTC)
FAILED = Attempt("http_5xx")


def claim(*, attempts: int = 1, failures: int = 0) -> DeliveryClaim:
    return DeliveryClaim("d", "e", "https://x.example/", [], attempts, failures, "report.issued", NOW, {})


def after(attempt: Attempt, *, attempts: int = 1, failures: int = 0, chance: float = 0.0) -> Settlement:
    return settled(claim(attempts=attempts, failures=failures), attempt, now=NOW, uniform=lambda low, high: low + chance * (high - low))


def test_ten_attempts_within_the_time_that_standard_webhooks_advises() -> None:
    waited = [after(FAILED, attempts=attempts).due_at - NOW for attempts in range(1, 10)]
    assert waited == list(DELAYS)
    assert sum(waited, timedelta()) == timedelta(hours=75, minutes=35, seconds=5)
    last = after(FAILED, attempts=10)
    assert (last.state, last.outcome) == (DeliveryState.DEAD, "http_5xx")


@pytest.mark.parametrize("attempts", range(1, 10))
def test_delay_is_drawn_up_to_a_tenth_longer(attempts: int) -> None:
    longest = after(FAILED, attempts=attempts, chance=1.0).due_at - NOW
    assert longest == DELAYS[attempts - 1] * 1.1


def test_receiver_may_wish_for_longer_but_not_for_ever() -> None:
    assert after(Attempt("http_4xx", 120)).due_at == NOW + timedelta(minutes=2)
    assert after(Attempt("http_4xx", 1), attempts=2).due_at == NOW + DELAYS[1]
    assert after(Attempt("http_5xx", 999_999)).due_at == NOW + timedelta(days=1)


def test_success_ends_it_and_forgives_the_endpoint() -> None:
    done = after(Attempt("delivered"), attempts=3, failures=7)
    assert (done.state, done.failures, done.paused_until) == (DeliveryState.DELIVERED, 0, None)


def test_gone_ends_it_at_once() -> None:
    gone = after(Attempt("gone"))
    assert (gone.state, gone.is_gone) == (DeliveryState.DEAD, True)


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, None), (3, None), (4, 30), (5, 60), (6, 120), (10, 1920), (11, 3600), (12, 3600), (10_000, 3600)]
)
def test_endpoint_is_left_alone_longer_and_longer(failures: int, seconds: int | None) -> None:
    paused = after(FAILED, failures=failures).paused_until
    assert paused == (None if seconds is None else NOW + timedelta(seconds=seconds))
