"""What a receiver is sent: ids, states, counts and links, nothing of a household; signed as Standard Webhooks has it.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, symmetric signatures (v1).
"""

import hmac
import secrets
from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from verify_service.storage.webhook_records import DeliveryClaim, EventKind

SECRET_PREFIX = "whsec_"
_SECRET_BYTES = 32
BOTH_SIGN = timedelta(hours=24)  # after a rotation: the time in which a receiver changes its secret


class _Said(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ReportIssued(_Said):
    """A report version became durable; an earlier version of it is replaced."""

    verification_id: str
    report_id: str
    version: int
    state: str
    reason: str | None = Field(None, description="why this version was made; null where none was written")
    links: Mapping[str, str] = Field(description="paths at this service: `report`, `versions`")


class VerificationCancelled(_Said):
    """A verification was ended before it had a report."""

    verification_id: str
    links: Mapping[str, str] = Field(description="paths at this service: `verification`")


class BatchCompleted(_Said):
    """A batch is over: completed, or cancelled. After retry-failed it comes again."""

    batch_id: str
    state: Literal["completed", "cancelled"]
    results: Mapping[str, int] = Field(description="rows by state: final, partial, rejected, cancelled")
    links: Mapping[str, str] = Field(description="paths at this service: `batch`, `results`, `errors`")


class WebhookEvent(_Said):
    """The body of a webhook. `timestamp` is when it happened; the header's is when it was sent."""

    type: EventKind
    timestamp: datetime
    data: ReportIssued | VerificationCancelled | BatchCompleted


def new_secret() -> bytes:
    """Return a secret of 256 random bits."""
    return secrets.token_bytes(_SECRET_BYTES)


def shown(secret: bytes) -> str:
    """Return a secret as its owner is shown it, once."""
    return SECRET_PREFIX + b64encode(secret).decode()


def body(claim: DeliveryClaim) -> bytes:
    """Return what is sent: the same bytes in every attempt."""
    kind = EventKind(claim.kind)
    return WebhookEvent(type=kind, timestamp=claim.at, data=_data(kind, claim.facts)).model_dump_json().encode()


def _data(kind: EventKind, facts: Mapping[str, Any]) -> ReportIssued | VerificationCancelled | BatchCompleted:
    about = facts["verification_id"]
    if kind is EventKind.REPORT_ISSUED:
        report = f"/v1/reports/{facts['report_id']}"
        return ReportIssued(**facts, links={"report": report, "versions": f"{report}/versions"})
    if kind is EventKind.VERIFICATION_CANCELLED:
        return VerificationCancelled(verification_id=about, links={"verification": f"/v1/verifications/{about}"})
    batch = f"/v1/batches/{about}"
    links = {"batch": batch, "results": f"{batch}/results", "errors": f"{batch}/errors"}
    return BatchCompleted(batch_id=about, state=facts["state"], results=facts["results"], links=links)


def headers(claim: DeliveryClaim, content: bytes, *, now: datetime) -> dict[str, str]:
    """Return the three headers; the id is the same in every attempt, so that a receiver knows what it has seen.

    While a secret is rotated there is a signature for each of the two: a receiver may know either.
    """
    timestamp = str(int(now.timestamp()))
    signed = b".".join((claim.id.encode(), timestamp.encode(), content))
    signatures = (b64encode(hmac.digest(secret, signed, "sha256")).decode() for secret in claim.secrets)
    return {"webhook-id": claim.id, "webhook-timestamp": timestamp, "webhook-signature": " ".join(f"v1,{each}" for each in signatures)}
