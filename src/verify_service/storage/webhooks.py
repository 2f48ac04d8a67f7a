"""The store of webhooks: endpoints of a tenant, and what the worker delivers to them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial

from verify_service.storage import webhook_deliveries, webhook_endpoints
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.executor import Executor
from verify_service.storage.webhook_records import (
    Delivery,
    DeliveryClaim,
    DeliveryState,
    EndpointState,
    Rotation,
    Settlement,
    WebhookEndpoint,
)


class WebhookStore:
    """One method per thing that API and worker need, each one transaction."""

    def __init__(self, executor: Executor, cipher: FieldCipher) -> None:
        self._executor = executor
        self._cipher = cipher

    async def add(self, endpoint: WebhookEndpoint, *, secret: bytes) -> None:
        """Keep a new endpoint. Raises WrongState when the tenant has as many as it may."""
        await self._executor.write(partial(webhook_endpoints.add, cipher=self._cipher, endpoint=endpoint, secret=secret))

    async def endpoints(self, *, tenant: str) -> Sequence[WebhookEndpoint]:
        """Return a tenant's endpoints, oldest first."""
        return await self._executor.read(partial(webhook_endpoints.every, tenant=tenant))

    async def endpoint(self, *, tenant: str, endpoint_id: str) -> WebhookEndpoint:
        """Return an endpoint. Raises NotFound."""
        return await self._executor.read(partial(webhook_endpoints.one, key=_key(tenant, endpoint_id)))

    async def switch(self, *, tenant: str, endpoint_id: str, state: EndpointState, actor: str, now: datetime) -> None:
        """Enable or disable an endpoint. Raises NotFound, WrongState."""
        switched = partial(webhook_endpoints.switch, key=_key(tenant, endpoint_id), state=state, actor=actor, now=now)
        await self._executor.write(switched)

    async def rotate(self, *, tenant: str, endpoint_id: str, rotation: Rotation) -> WebhookEndpoint:
        """Give an endpoint another secret. Raises NotFound."""
        rotated = partial(webhook_endpoints.rotate, cipher=self._cipher, key=_key(tenant, endpoint_id), rotation=rotation)
        return await self._executor.write(rotated)

    async def deliveries(
        self, *, tenant: str, endpoint_id: str, state: DeliveryState | None = None, after: int = 0, most: int = 100
    ) -> Sequence[Delivery]:
        """Return deliveries after a number, oldest first. Raises NotFound."""
        read = partial(webhook_deliveries.page, key=_key(tenant, endpoint_id), state=state, after=after, most=most)
        return await self._executor.read(read)

    async def redeliver(self, *, tenant: str, endpoint_id: str, delivery_id: str | None, actor: str, now: datetime) -> int:
        """Try one delivery again, or every dead one; return how many. Raises NotFound, WrongState."""
        again = partial(webhook_deliveries.redeliver, key=_key(tenant, endpoint_id), delivery_id=delivery_id, actor=actor, now=now)
        return await self._executor.write(again)

    async def is_due(self, *, now: datetime) -> bool:
        """Say whether there is anything for a worker to do."""
        return await self._executor.read(partial(webhook_deliveries.is_due, now=now))

    async def route(self, *, now: datetime) -> int:
        """Route the next events to the endpoints that want them; return how many events."""
        return await self._executor.write(partial(webhook_deliveries.route, now=now))

    async def claim(self, *, now: datetime, until: datetime, busy: Collection[str]) -> Sequence[DeliveryClaim]:
        """Take due deliveries in fair turns. End each with `settle`; what is not settled is due again at `until`."""
        claimed = partial(webhook_deliveries.claim, cipher=self._cipher, now=now, until=until, busy=busy)
        return await self._executor.write(claimed)

    async def settle(self, claim: DeliveryClaim, settled: Settlement) -> None:
        """Write what came of an attempt."""
        await self._executor.write(partial(webhook_deliveries.settle, taken=claim, settled=settled), finishing=True)


def _key(tenant: str, endpoint_id: str) -> dict[str, str]:
    return {"tenant": tenant, "id": endpoint_id}
