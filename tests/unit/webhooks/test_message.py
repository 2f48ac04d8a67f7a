"""What a receiver is sent: verified with the library that others use, and the same in every attempt."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from verify_service.bulk.webhooks.message import body, headers, new_secret, shown
from verify_service.storage.webhook_records import DeliveryClaim

HAPPENED = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
ID = "5c1d7f0e-52a4-5a0e-9a39-6f0e4f7f6a4e"
ABOUT = "01a20cd0-11e3-75a1-b01a-b103e60071d6"
RESULTS = {"final": 3, "partial": 1, "rejected": 1, "cancelled": 0}
TOLD: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "report.issued": (
        {"verification_id": ABOUT, "report_id": "r", "version": 2, "state": "final", "reason": "late_answer"},
        {
            "verification_id": ABOUT,
            "report_id": "r",
            "version": 2,
            "state": "final",
            "reason": "late_answer",
            "links": {"report": "/v1/reports/r", "versions": "/v1/reports/r/versions"},
        },
    ),
    "verification.cancelled": (
        {"verification_id": ABOUT},
        {"verification_id": ABOUT, "links": {"verification": f"/v1/verifications/{ABOUT}"}},
    ),
    "batch.completed": (
        {"verification_id": ABOUT, "state": "completed", "results": RESULTS},
        {
            "batch_id": ABOUT,
            "state": "completed",
            "results": RESULTS,
            "links": {
                "batch": f"/v1/batches/{ABOUT}",
                "results": f"/v1/batches/{ABOUT}/results",
                "errors": f"/v1/batches/{ABOUT}/errors",
            },
        },
    ),
}


def claim(kind: str, *, attempts: int = 1, secret: bytes = b"s" * 32, old: Sequence[bytes] = ()) -> DeliveryClaim:
    return DeliveryClaim(ID, "endpoint", "https://x.example/", [secret, *old], attempts, 0, kind, HAPPENED, TOLD[kind][0])


@pytest.mark.parametrize("kind", TOLD)
def test_event_says_ids_states_counts_and_links(kind: str) -> None:
    said = json.loads(body(claim(kind)))
    assert said == {"type": kind, "timestamp": "2026-11-24T02:00:00Z", "data": TOLD[kind][1]}


@pytest.mark.parametrize("kind", TOLD)
def test_other_implementation_verifies_the_signature(kind: str) -> None:
    secret = new_secret()
    content = body(claim(kind, secret=secret))
    signed = headers(claim(kind, secret=secret), content, now=datetime.now(UTC))
    assert Webhook(shown(secret)).verify(content, signed) == json.loads(content)
    for changed in ({**signed, "webhook-id": "other"}, {**signed, "webhook-timestamp": str(int(signed["webhook-timestamp"]) - 1)}):
        with pytest.raises(WebhookVerificationError):
            Webhook(shown(secret)).verify(content, changed)
    with pytest.raises(WebhookVerificationError):
        Webhook(shown(new_secret())).verify(content, signed)


def test_either_secret_verifies_while_one_is_rotated() -> None:
    secret, old = new_secret(), new_secret()
    rotated = claim("report.issued", secret=secret, old=[old])
    signed = headers(rotated, body(rotated), now=datetime.now(UTC))
    for known in (secret, old):
        assert Webhook(shown(known)).verify(body(rotated), signed) == json.loads(body(rotated))
    with pytest.raises(WebhookVerificationError):
        Webhook(shown(new_secret())).verify(body(rotated), signed)


def test_later_attempt_has_the_same_id_and_bytes_and_its_own_time() -> None:
    first, later = claim("report.issued"), claim("report.issued", attempts=5)
    assert body(first) == body(later)
    sent = [headers(made, body(made), now=HAPPENED + timedelta(hours=made.attempts)) for made in (first, later)]
    assert {header["webhook-id"] for header in sent} == {ID}
    assert len({header["webhook-timestamp"] for header in sent}) == 2


def test_secret_is_not_in_what_is_logged_of_a_claim() -> None:
    assert "ssss" not in repr(claim("report.issued"))
