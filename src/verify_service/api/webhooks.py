"""Webhook endpoints of the client's tenant: registered, disabled, and what was delivered to them or not."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from verify_service.api.auth import ManagesWebhooks
from verify_service.api.body import read_body, require_json
from verify_service.api.describe import JSON, json_answer, json_body, problems
from verify_service.api.headers import accepted
from verify_service.api.state import known_form, services_of
from verify_service.api.webhook_wire import (
    Deliveries,
    DeliveryView,
    Endpoint,
    EndpointAnswer,
    EndpointRequest,
    Endpoints,
    NewEndpoint,
    Redelivery,
)
from verify_service.bodies import read_strictly
from verify_service.bulk.webhooks.addresses import expect_url
from verify_service.bulk.webhooks.message import BOTH_SIGN, new_secret, shown
from verify_service.storage.records import Client
from verify_service.storage.webhook_records import DeliveryState, EndpointState, Rotation, WebhookEndpoint

router = APIRouter(tags=["webhooks"])
ROUTE = "/v1/webhook-endpoints"
_READ = ("unauthenticated", "insufficient-scope", "not-acceptable")
_ONE = (*_READ, "not-found")
After = Annotated[int, Query(ge=0, le=2**62, description="the `number` of the last delivery that is known already")]
Limit = Annotated[int, Query(ge=1, le=1000, description="most deliveries of a page")]
OfState = Annotated[DeliveryState | None, Query(description="only deliveries in this state")]


@router.post(
    ROUTE,
    status_code=201,
    summary="Register a webhook endpoint",
    openapi_extra={"requestBody": json_body("EndpointRequest", example="webhook_endpoint")},
    responses={
        201: json_answer("NewEndpoint", "Registered; the secret is shown this once.", "Location"),
        **problems(*_READ, "invalid-json", "request-timeout", "body-too-large", "unsupported-media-type", "invalid-request", "wrong-state"),
    },
)
async def register(request: Request, client: ManagesWebhooks) -> Response:
    """Tell this URL of events from now on. Look at webhook-signature before anything that arrives there is believed."""
    accepted(request, JSON)
    require_json(request)
    services = services_of(request)
    asked = read_strictly(EndpointRequest, await read_body(request, limit=services.limits.max_body_bytes))
    expect_url(asked.url, services.limits.webhook_networks)
    secret, events = new_secret(), sorted({kind.value for kind in asked.events})
    made = WebhookEndpoint(services.new_id(), client.tenant, client.id, asked.url, events, EndpointState.ENABLED, services.clock())
    await services.store.webhooks.add(made, secret=secret)
    return _told(NewEndpoint(endpoint=Endpoint.of(made), secret=shown(secret)), 201, Location=f"{ROUTE}/{made.id}")


@router.get(ROUTE, summary="List the webhook endpoints", responses={200: json_answer("Endpoints"), **problems(*_READ)})
async def every(request: Request, client: ManagesWebhooks) -> Response:
    """Tell of every endpoint of the tenant, whoever registered it."""
    accepted(request, JSON)
    found = await services_of(request).store.webhooks.endpoints(tenant=client.tenant)
    return _told(Endpoints(endpoints=[Endpoint.of(endpoint) for endpoint in found]))


@router.get(f"{ROUTE}/{{endpoint_id}}", summary="See a webhook endpoint", responses={200: json_answer("EndpointAnswer"), **problems(*_ONE)})
async def one(request: Request, endpoint_id: str, client: ManagesWebhooks) -> Response:
    """Tell whether it is sent anything, how often it failed in a row, and until when it is left alone."""
    accepted(request, JSON)
    return await _answer(request, client, known_form(endpoint_id))


def _switch(act: str, state: EndpointState, summary: str, does: str) -> None:
    async def switch(request: Request, endpoint_id: str, client: ManagesWebhooks) -> Response:
        accepted(request, JSON)
        services, known = services_of(request), known_form(endpoint_id)
        store = services.store.webhooks
        await store.switch(tenant=client.tenant, endpoint_id=known, state=state, actor=client.id, now=services.clock())
        return await _answer(request, client, known)

    switch.__doc__ = does
    answers: dict[int | str, dict[str, Any]] = {200: json_answer("EndpointAnswer"), **problems(*_ONE, "wrong-state")}
    router.post(f"{ROUTE}/{{endpoint_id}}/{act}", name=act, summary=summary, responses=answers)(switch)


_switch(
    "disable",
    EndpointState.DISABLED,
    "Disable a webhook endpoint",
    "Send nothing more; what waits is given up, and may be redelivered.",
)
_switch("enable", EndpointState.ENABLED, "Enable a webhook endpoint", "Send again what happens from now on.")


@router.post(
    f"{ROUTE}/{{endpoint_id}}/rotate-secret",
    summary="Give a webhook endpoint another secret",
    responses={200: json_answer("NewEndpoint", "Rotated; the secret is shown this once."), **problems(*_ONE)},
)
async def rotate(request: Request, endpoint_id: str, client: ManagesWebhooks) -> Response:
    """Sign with a new secret at once; for a day the one of before signs along, in the same header, and any older one no more."""
    accepted(request, JSON)
    services, known, secret = services_of(request), known_form(endpoint_id), new_secret()
    now = services.clock()
    rotation = Rotation(secret, now + BOTH_SIGN, client.id, now)
    rotated = await services.store.webhooks.rotate(tenant=client.tenant, endpoint_id=known, rotation=rotation)
    return _told(NewEndpoint(endpoint=Endpoint.of(rotated), secret=shown(secret)))


@router.get(
    f"{ROUTE}/{{endpoint_id}}/deliveries",
    summary="List deliveries",
    responses={200: json_answer("Deliveries"), **problems(*_ONE, "invalid-request")},
)
async def deliveries(
    request: Request, endpoint_id: str, client: ManagesWebhooks, *, state: OfState = None, after: After = 0, limit: Limit = 100
) -> Response:
    """Tell what was sent, what waits, and what was given up (`state=dead`), oldest first."""
    accepted(request, JSON)
    store, known = services_of(request).store.webhooks, known_form(endpoint_id)
    found = await store.deliveries(tenant=client.tenant, endpoint_id=known, state=state, after=after, most=limit)
    going_on = found[-1].number if len(found) == limit else None
    return _told(Deliveries(deliveries=[DeliveryView.of(delivery) for delivery in found], next=going_on))


@router.post(
    f"{ROUTE}/{{endpoint_id}}/deliveries/{{delivery_id}}/redeliver",
    summary="Deliver once more",
    responses={200: json_answer("Redelivery"), **problems(*_ONE, "wrong-state")},
)
async def redeliver(request: Request, endpoint_id: str, delivery_id: str, client: ManagesWebhooks) -> Response:
    """Try a delivery again, whatever came of it, with the same `webhook-id` and a full set of attempts."""
    return await _again(request, client, known_form(endpoint_id), known_form(delivery_id))


@router.post(
    f"{ROUTE}/{{endpoint_id}}/redeliver-dead",
    summary="Deliver what was given up",
    responses={200: json_answer("Redelivery"), **problems(*_ONE, "wrong-state")},
)
async def redeliver_dead(request: Request, endpoint_id: str, client: ManagesWebhooks) -> Response:
    """Try every dead delivery again."""
    return await _again(request, client, known_form(endpoint_id), None)


async def _again(request: Request, client: Client, endpoint_id: str, delivery_id: str | None) -> Response:
    accepted(request, JSON)
    services = services_of(request)
    tried = services.store.webhooks.redeliver(
        tenant=client.tenant, endpoint_id=endpoint_id, delivery_id=delivery_id, actor=client.id, now=services.clock()
    )
    return _told(Redelivery(deliveries=await tried))


async def _answer(request: Request, client: Client, endpoint_id: str) -> Response:
    found = await services_of(request).store.webhooks.endpoint(tenant=client.tenant, endpoint_id=endpoint_id)
    return _told(EndpointAnswer(endpoint=Endpoint.of(found)))


def _told(answer: BaseModel, status: int = 200, **headers: str) -> Response:
    return Response(answer.model_dump_json(), status, headers, JSON)
