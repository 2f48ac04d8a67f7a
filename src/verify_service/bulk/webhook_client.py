"""Webhook endpoints from the command line."""

from collections.abc import Sequence
from typing import Any

from verify_service.bulk.access import Access
from verify_service.storage.webhook_records import EventKind

_ROUTE = "/v1/webhook-endpoints"


def endpoints(access: Access) -> Sequence[dict[str, Any]]:
    """Return the endpoints of the client's tenant. Raises Refused."""
    return list(access.ask("GET", _ROUTE)["endpoints"])


def register(access: Access, url: str, events: Sequence[EventKind]) -> dict[str, Any]:
    """Register a URL, for all events if none is named; the answer shows the secret, this once. Raises Refused."""
    return access.ask("POST", _ROUTE, {"url": url, **({"events": events} if events else {})})


def act(access: Access, endpoint_id: str, name: str) -> dict[str, Any]:
    """Do one of `rotate-secret`, `disable`, `enable`. Raises Refused."""
    return access.ask("POST", f"{_ROUTE}/{endpoint_id}/{name}")
