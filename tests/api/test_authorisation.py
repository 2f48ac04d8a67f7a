"""Who may do what: every route that there is, against every kind of caller. A route that is not in the table fails the test."""

from collections.abc import Mapping
from dataclasses import dataclass

import orjson
import pytest
from fastapi.routing import iter_route_contexts

from tests.api.house import SECRET, House, bearer, household
from verify_service.api.amendment_examples import AMENDMENTS
from verify_service.api.auth import REMEMBERED

OPEN = "open to everybody"
NUMBER = "HD99010120261124000001Z"
UNKNOWN = "01a20cc7-7016-76c1-8580-ec76ee48a144"
JSON = {"Content-Type": "application/json"}
REASON = b'{"reason": "answers with another county\'s data"}'
ACTS = {
    "resolution": "resolution",
    "objections": "objection",
    "corrections": "correction",
    "close-gaps": "gap_closure",
    "withdraw": "withdrawal",
    "cancel": "cancellation",
    "revoke": "revocation",
    "replay": "replay",
}
BODIES = {
    "verify": b'{"jws": "a.b.c"}',
    "isolate": REASON,
    "release": REASON,
    "webhook-endpoints": b'{"url": "https://welfare.example/events"}',
    **{route: orjson.dumps(AMENDMENTS[example]) for route, example in ACTS.items()},
}


@dataclass(frozen=True)
class Rule:
    """A route: the scope it needs, what its owner gets, and what a client of another tenant gets for the same thing."""

    scope: str
    own: int
    other: int


TABLE: Mapping[tuple[str, str], Rule] = {
    ("POST", "/v1/verifications"): Rule("verify:write", 200, 200),
    ("GET", "/v1/verifications"): Rule("report:read", 200, 404),
    ("GET", "/v1/verifications/{verification_id}"): Rule("report:read", 200, 404),
    ("GET", "/v1/verifications/{verification_id}/events"): Rule("report:read", 200, 404),
    ("GET", "/v1/reports/{report_id}"): Rule("report:read", 200, 404),
    ("GET", "/v1/reports/{report_id}/versions"): Rule("report:read", 200, 404),
    ("POST", "/v1/reports/verify"): Rule("report:read", 200, 200),
    ("POST", "/v1/reports/{report_id}/findings/{finding}/resolution"): Rule("report:amend", 201, 404),
    ("POST", "/v1/reports/{report_id}/objections"): Rule("report:amend", 201, 404),
    ("POST", "/v1/reports/{report_id}/corrections"): Rule("report:amend", 201, 404),
    ("POST", "/v1/reports/{report_id}/close-gaps"): Rule("report:amend", 201, 404),
    ("POST", "/v1/reports/{report_id}/withdraw"): Rule("report:amend", 201, 404),
    ("POST", "/v1/verifications/{verification_id}/cancel"): Rule("verify:write", 409, 404),  # there is nothing it waits for
    ("POST", "/v1/verifications/{verification_id}/consents/revoke"): Rule("verify:write", 201, 404),
    ("GET", "/v1/reports/{report_id}/versions/{number}/diff"): Rule("report:read", 404, 404),  # the first version replaces none
    ("POST", "/v1/policies/replay"): Rule("report:read", 422, 422),  # the example's report is nobody's here
    ("POST", "/v1/batches"): Rule("verify:write", 202, 202),
    ("GET", "/v1/batches/templates/{form}"): Rule("verify:write", 200, 200),
    ("GET", "/v1/batches/{batch_id}"): Rule("report:read", 200, 404),
    ("GET", "/v1/batches/{batch_id}/events"): Rule("report:read", 200, 404),
    ("POST", "/v1/batches/{batch_id}/pause"): Rule("verify:write", 409, 404),  # the one in this test was cancelled
    ("POST", "/v1/batches/{batch_id}/resume"): Rule("verify:write", 409, 404),
    ("POST", "/v1/batches/{batch_id}/cancel"): Rule("verify:write", 200, 404),
    ("POST", "/v1/batches/{batch_id}/retry-failed"): Rule("verify:write", 409, 404),
    ("GET", "/v1/batches/{batch_id}/results"): Rule("report:read", 200, 404),
    ("GET", "/v1/batches/{batch_id}/errors"): Rule("report:read", 200, 404),
    ("GET", "/v1/batches/{batch_id}/rows/{row}/proof"): Rule("report:read", 409, 404),
    ("POST", "/v1/webhook-endpoints"): Rule("webhook:manage", 201, 201),
    ("GET", "/v1/webhook-endpoints"): Rule("webhook:manage", 200, 200),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}"): Rule("webhook:manage", 200, 404),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/disable"): Rule("webhook:manage", 200, 404),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/enable"): Rule("webhook:manage", 200, 404),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/rotate-secret"): Rule("webhook:manage", 200, 404),
    ("GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries"): Rule("webhook:manage", 200, 404),
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/redeliver"): Rule("webhook:manage", 404, 404),  # there is none
    ("POST", "/v1/webhook-endpoints/{endpoint_id}/redeliver-dead"): Rule("webhook:manage", 200, 404),
    ("GET", "/v1/sources"): Rule("source:read", 200, 200),
    ("GET", "/v1/sources/{source_id}"): Rule("source:read", 200, 200),
    ("POST", "/v1/sources/{source_id}/isolate"): Rule("source:operate", 200, 200),
    ("POST", "/v1/sources/{source_id}/release"): Rule("source:operate", 200, 200),
    ("GET", "/v1/audit"): Rule("audit:read", 200, 200),
    ("GET", "/v1/policies"): Rule("report:read", 200, 200),
    ("GET", "/.well-known/jwks.json"): Rule(OPEN, 200, 200),
    ("GET", "/healthz"): Rule(OPEN, 200, 200),
    ("GET", "/readyz"): Rule(OPEN, 200, 200),
    ("GET", "/metrics"): Rule(OPEN, 200, 200),
    ("GET", "/openapi.json"): Rule(OPEN, 200, 200),
    ("GET", "/docs"): Rule(OPEN, 200, 200),
}
GUARDED = [route for route, rule in TABLE.items() if rule.scope != OPEN]


async def call(
    house: House, route: tuple[str, str], headers: Mapping[str, str], *, ids: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """Call a route with what it needs to succeed; return status and the code of the problem."""
    method, template = route
    unknown = {"verification_id": UNKNOWN, "report_id": UNKNOWN, "source_id": "vehicle", "finding": "0", "batch_id": UNKNOWN, "number": "1"}
    unknown |= {"request_no": NUMBER, "endpoint_id": UNKNOWN}
    path = template.format(**{"form": "csv", "row": 1, "delivery_id": UNKNOWN, **(ids or unknown)})
    if route == ("GET", "/v1/verifications"):
        path += f"?request_no={(ids or unknown)['request_no']}"
    body = BODIES.get(template.rpartition("/")[2]) or household()
    kind = {"Content-Type": "application/x-ndjson"} if template == "/v1/batches" else JSON
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in {**kind, **headers}.items()]
    answer = await house.http.request(method, path, content=body if method == "POST" else None, headers=encoded)
    is_json = answer.headers["content-type"] in {"application/json", "application/problem+json"}
    return answer.status_code, answer.json().get("code", "") if is_json else ""


async def issued(house: House) -> dict[str, str]:
    answer = (await house.post()).json()
    verification, finding = answer["verification"], answer["report"]["findings"][0]["id"]
    ids = {"verification_id": verification["id"], "report_id": verification["report_id"], "source_id": "vehicle", "finding": finding}
    ids["request_no"] = verification["request_no"]
    endpoint = await house.act("/v1/webhook-endpoints", {"url": "https://welfare.example/events"})
    ids["endpoint_id"] = endpoint.json()["endpoint"]["id"]
    return {**ids, "number": "1", "batch_id": await cancelled_batch(house)}


async def cancelled_batch(house: House) -> str:
    """Hand a batch in and cancel it, so that its results can be read and watching it ends."""
    headers = {"Content-Type": "application/x-ndjson", **bearer("full")}
    handed_in = await house.http.post("/v1/batches", content=household(), headers=headers)
    batch_id = str(handed_in.json()["batch_id"])
    await house.http.post(f"/v1/batches/{batch_id}/cancel", headers=bearer("full"))
    return batch_id


async def test_every_route_is_in_the_table(house: House) -> None:
    routes = {(method, context.path) for context in iter_route_contexts(house.app.routes) for method in context.methods or ()}
    assert routes == set(TABLE)


@pytest.mark.parametrize("route", GUARDED, ids=" ".join)
@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({}, id="no token"),
        pytest.param({"Authorization": ""}, id="empty"),
        pytest.param({"Authorization": "Bearer"}, id="no credentials"),
        pytest.param({"Authorization": f"Basic full.{SECRET}"}, id="other scheme"),
        pytest.param({"Authorization": "Bearer full"}, id="no secret"),
        pytest.param({"Authorization": "Bearer full.wrong-secret-wrong-secret"}, id="wrong secret"),
        pytest.param({"Authorization": f"Bearer full.{SECRET}x"}, id="longer secret"),
        pytest.param({"Authorization": f"Bearer full.{SECRET} "}, id="trailing space"),
        pytest.param({"Authorization": f"Bearer writer.{SECRET}, Bearer full.{SECRET}"}, id="two tokens"),
        pytest.param({"Authorization": "Bearer full.\u00e9"}, id="not ASCII"),
        pytest.param(bearer("nobody"), id="unknown client"),
        pytest.param(bearer("disabled"), id="disabled client"),
    ],
)
async def test_who_is_not_known_gets_nothing(house: House, route: tuple[str, str], headers: dict[str, str]) -> None:
    assert await call(house, route, headers) == (401, "unauthenticated")
    assert house.stored() == 0


async def test_refusal_says_how_to_authenticate(house: House) -> None:
    without = await house.http.get("/v1/sources")
    wrong = await house.get("/v1/sources", who="nobody")
    assert without.headers["www-authenticate"] == 'Bearer realm="verify-service"'
    assert wrong.headers["www-authenticate"] == 'Bearer realm="verify-service", error="invalid_token"'


@pytest.mark.parametrize("route", GUARDED, ids=" ".join)
async def test_scope_is_needed(house: House, route: tuple[str, str]) -> None:
    assert await call(house, route, bearer("scopeless")) == (403, "insufficient-scope")
    status, _ = await call(house, route, bearer("writer"))
    assert (status == 403) is (TABLE[route].scope != "verify:write")


@pytest.mark.parametrize("route", TABLE, ids=" ".join)
async def test_own_and_other_tenant(house: House, route: tuple[str, str]) -> None:
    ids = await issued(house)
    assert (await call(house, route, bearer("full"), ids=ids))[0] == TABLE[route].own
    assert (await call(house, route, bearer("other"), ids=ids))[0] == TABLE[route].other


@pytest.mark.parametrize("route", [route for route, rule in TABLE.items() if rule.scope == OPEN], ids=" ".join)
async def test_open_route_needs_no_token(house: House, route: tuple[str, str]) -> None:
    assert (await call(house, route, {}))[0] == 200


@pytest.mark.parametrize("identifier", [UNKNOWN, "x", "1" * 36, "..", "%00", "a" * 3000, "990101197905120019", "%F0%9F%9A%97"])
async def test_not_yours_not_there_and_malformed_look_the_same(house: House, identifier: str) -> None:
    ids = await issued(house)
    theirs = await house.get(f"/v1/reports/{ids['report_id']}/versions", who="other")
    answer = await house.get(f"/v1/reports/{identifier}/versions", who="other")
    assert answer.status_code == theirs.status_code == 404
    assert {**answer.json(), "instance": None} == {**theirs.json(), "instance": None}


@pytest.mark.parametrize(("who", "pointer"), [("medical", "/purpose"), ("elsewhere", "/region")])
async def test_client_stays_within_its_purposes_and_regions(house: House, who: str, pointer: str) -> None:
    answer = await house.post(who=who)
    assert (answer.status_code, answer.json()["code"]) == (403, "not-permitted")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert house.stored() == 0


async def test_known_client_is_remembered_for_a_moment_only(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up: list[str] = []
    look_up = house.services.store.client

    async def counted(client_id: str) -> object:
        looked_up.append(client_id)
        return await look_up(client_id)

    monkeypatch.setattr(house.services.store, "client", counted)
    for _ in range(3):
        assert (await house.get("/v1/sources")).status_code == 200
    assert looked_up == ["full"]
    assert (await house.http.get("/v1/sources", headers=bearer("full", "wrong-" * 8))).status_code == 401
    house.clock.pass_by(seconds=REMEMBERED.total_seconds())
    await house.get("/v1/sources")
    assert looked_up == ["full"] * 3
