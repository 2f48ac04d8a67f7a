"""What requests and answers about webhooks look like."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field

from verify_service.api.wire import Wire
from verify_service.storage.webhook_records import Delivery, DeliveryState, EndpointState, EventKind, WebhookEndpoint


class EndpointRequest(BaseModel):
    """Where a client wants to be told, and of what; left out: of everything."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    url: str = Field(min_length=1, max_length=2_000, description="https, to a public address or a network that the deployment allows")
    events: list[EventKind] = Field(default_factory=lambda: list(EventKind), min_length=1, max_length=len(EventKind))


class Endpoint(Wire):
    """An endpoint. `failures` in a row; nothing is tried before `paused_until`. One that answered 410 is `gone`.

    Until `old_secret_until` everything is signed with the secret of before the last rotation, too.
    """

    id: str
    url: str
    events: list[str]
    state: EndpointState
    created_at: datetime
    failures: int
    paused_until: datetime | None
    old_secret_until: datetime | None

    @classmethod
    def of(cls, endpoint: WebhookEndpoint) -> "Endpoint":
        """Build it from what is stored."""
        plain = ("id", "url", "state", "created_at", "failures", "paused_until", "old_secret_until")
        return cls(**{name: getattr(endpoint, name) for name in plain}, events=list(endpoint.events))


class EndpointAnswer(Wire):
    """An endpoint."""

    endpoint: Endpoint


class NewEndpoint(Wire):
    """An endpoint with a new secret that signs what is sent there, shown this once."""

    endpoint: Endpoint
    secret: str


class Endpoints(Wire):
    """The endpoints of the client's tenant, oldest first."""

    endpoints: list[Endpoint]


class DeliveryView(Wire):
    """One event for one endpoint. `id` is the `webhook-id` that the receiver sees; `last_outcome` is of the last attempt."""

    id: str
    number: int
    kind: EventKind
    state: DeliveryState
    attempts: int
    due_at: datetime
    last_outcome: str | None
    updated_at: datetime

    @classmethod
    def of(cls, delivery: Delivery) -> "DeliveryView":
        """Build it from what is stored."""
        plain = ("id", "number", "state", "attempts", "due_at", "last_outcome", "updated_at")
        return cls(**{name: getattr(delivery, name) for name in plain}, kind=EventKind(delivery.kind))


class Deliveries(Wire):
    """A page of deliveries; `next` is the `after` of the next one, null when this is the last."""

    deliveries: list[DeliveryView]
    next: int | None


class Redelivery(Wire):
    """How many deliveries are tried again."""

    deliveries: int
