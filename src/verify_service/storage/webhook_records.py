"""What goes into the store and comes out of it for webhooks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from verify_service.storage.batch_records import BatchLimits


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookLimits(BatchLimits):
    """The bounds of batches, and which networks webhooks may go to although they are not public."""

    webhook_networks: tuple[IPv4Network | IPv6Network, ...] = ()


class EventKind(StrEnum):
    """What a receiver may be told of."""

    REPORT_ISSUED = "report.issued"
    VERIFICATION_CANCELLED = "verification.cancelled"
    BATCH_COMPLETED = "batch.completed"


class EndpointState(StrEnum):
    """Whether an endpoint is sent anything; `gone` is what it said itself (410)."""

    ENABLED = "enabled"
    DISABLED = "disabled"
    GONE = "gone"


class DeliveryState(StrEnum):
    """Where a delivery stands; a dead one is tried again only when somebody asks for it."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class WebhookEndpoint:
    """Where a client wants to be told; `failures` in a row, until when nothing is tried, and until when the old secret signs, too."""

    id: str
    tenant: str
    client_id: str
    url: str
    events: Sequence[str]
    state: EndpointState
    created_at: datetime
    failures: int = 0
    paused_until: datetime | None = None
    old_secret_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Rotation:
    """Another secret for an endpoint, and until when the one of before signs along."""

    secret: bytes = field(repr=False)
    old_until: datetime
    actor: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one endpoint. `number` is the event's, and grows with time."""

    id: str
    number: int
    kind: str
    state: DeliveryState
    attempts: int
    due_at: datetime
    last_outcome: str | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class DeliveryClaim:
    """A delivery that this process makes now, as attempt number `attempts`. `facts`: ids, state and counts, by name.

    `secrets` are those that sign it, the newest first.
    """

    id: str
    endpoint_id: str
    url: str
    secrets: Sequence[bytes] = field(repr=False)
    attempts: int
    failures: int
    kind: str
    at: datetime
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What came of an attempt: where the delivery stands, when it is due again, and what that means for the endpoint."""

    state: DeliveryState
    due_at: datetime
    outcome: str
    failures: int
    paused_until: datetime | None
    is_gone: bool
    now: datetime
