"""Every operation of openapi.yaml, sent as its examples say, to a whole service over the sandbox: what is documented is what happens."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
import jsonschema
import pytest
import yaml

from tests.functional.processes import Process, await_ready, free_port, run
from verify_service.api.auth import Scope
from verify_service.api.examples import PARAMETERS

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "openapi.yaml").read_text("utf-8"))
OPERATIONS = [(method.upper(), path) for path, methods in DOCUMENT["paths"].items() for method in methods]
JSON, EVENTS = "application/json", "text/event-stream"


def operation_of(method: str, path: str) -> dict[str, Any]:
    found: dict[str, Any] = DOCUMENT["paths"][path][method.lower()]
    return found


def resolved(node: Mapping[str, Any]) -> Any:
    """Return what a reference leads to, or the node itself."""
    target: Any = node
    while "$ref" in target:
        target = DOCUMENT["components"][target["$ref"].split("/")[2]][target["$ref"].split("/")[3]]
    return target


@dataclass
class Caller:
    """A client with every scope, and the ids that stand for those of the examples."""

    base_url: str
    token: str
    ids: dict[str, str] = field(default_factory=dict)

    def send(self, method: str, path: str, *, content: bytes | None = None, **headers: str) -> httpx.Response:
        sent = {"Authorization": f"Bearer {self.token}", **headers}
        return httpx.request(method, f"{self.base_url}{path}", content=content, headers=sent, timeout=60, trust_env=False)

    def verify(self) -> dict[str, Any]:
        """Verify the example household anew, and let the ids of the examples stand for it."""
        household = DOCUMENT["components"]["examples"]["household"]["value"]
        answer = self.send("POST", "/v1/verifications", content=json.dumps(household).encode(), **{"Content-Type": JSON})
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        self.ids = {
            str(PARAMETERS["verification_id"]): body["verification"]["id"],
            str(PARAMETERS["request_no"]): body["verification"]["request_no"],
            str(PARAMETERS["report_id"]): body["verification"]["report_id"],
            str(PARAMETERS["finding"]): body["report"]["findings"][0]["id"],
        }
        return body

    def real(self, text: str) -> str:
        """Put real ids in the place of the examples'."""
        for example, real in self.ids.items():
            text = text.replace(example, real)
        return text


def corrected(caller: Caller) -> None:
    """Make the second version, which the example of the difference tells of."""
    path = "/v1/reports/{report_id}/corrections"
    answer = sent(caller, "POST", path, but="Idempotency-Key")
    caller.ids[str(PARAMETERS["report_id"])] = answer.json()["report"]["header"]["report_id"]


def handed_in(caller: Caller) -> None:
    """Hand in the example batch."""
    answer = sent(caller, "POST", BATCHES, but="Idempotency-Key")
    caller.ids[str(PARAMETERS["batch_id"])] = answer.json()["batch_id"]


def paused(caller: Caller) -> None:
    handed_in(caller)
    assert sent(caller, "POST", f"{BATCH}/pause").status_code == 200


def completed(caller: Caller) -> None:
    """Hand in the example batch and wait until it is over."""
    handed_in(caller)
    until = time.monotonic() + 60
    while sent(caller, "GET", BATCH).json()["batch"]["state"] != "completed":
        assert time.monotonic() < until
        time.sleep(0.1)


def registered(caller: Caller) -> None:
    """Register the example endpoint."""
    caller.ids[str(PARAMETERS["endpoint_id"])] = sent(caller, "POST", ENDPOINTS).json()["endpoint"]["id"]


def told(caller: Caller) -> None:
    """Let something happen that the endpoint is to be told of."""
    registered(caller)
    known = dict(caller.ids)
    caller.verify()
    caller.ids |= known
    until = time.monotonic() + 60
    while not (found := sent(caller, "GET", f"{ENDPOINT}/deliveries", but="state|after").json()["deliveries"]):
        assert time.monotonic() < until
        time.sleep(0.1)
    caller.ids[str(PARAMETERS["delivery_id"])] = found[0]["id"]


ENDPOINTS, ENDPOINT = "/v1/webhook-endpoints", "/v1/webhook-endpoints/{endpoint_id}"
BATCHES, BATCH = "/v1/batches", "/v1/batches/{batch_id}"
BEFORE: Mapping[tuple[str, str], Callable[[Caller], None]] = {
    ("GET", BATCH): handed_in,
    ("POST", f"{BATCH}/pause"): handed_in,
    ("POST", f"{BATCH}/resume"): paused,
    ("POST", f"{BATCH}/cancel"): paused,
    ("POST", f"{BATCH}/retry-failed"): completed,
    ("GET", f"{BATCH}/events"): completed,
    ("GET", f"{BATCH}/results"): completed,
    ("GET", f"{BATCH}/errors"): completed,
    ("GET", f"{BATCH}/rows/{{row}}/proof"): completed,
    ("GET", "/v1/reports/{report_id}/versions/{number}/diff"): corrected,
    ("GET", ENDPOINT): registered,
    ("POST", f"{ENDPOINT}/disable"): registered,
    ("POST", f"{ENDPOINT}/enable"): registered,
    ("POST", f"{ENDPOINT}/rotate-secret"): registered,
    ("GET", f"{ENDPOINT}/deliveries"): registered,
    ("POST", f"{ENDPOINT}/deliveries/{{delivery_id}}/redeliver"): told,
    ("POST", f"{ENDPOINT}/redeliver-dead"): registered,
}


def sent(caller: Caller, method: str, path: str, *, but: str = "") -> httpx.Response:
    """Send an operation with the examples of its parameters (but those named in `but`) and its body, the first where there are several."""
    operation = operation_of(method, path)
    parameters = [p for p in operation.get("parameters", []) if p["name"] not in but.split("|")]
    places, query, headers = ({p["name"]: str(p["example"]) for p in parameters if p["in"] == kind} for kind in ("path", "query", "header"))
    content, of_body = body_of(operation)
    target = path.format(**places) + (f"?{urlencode(query)}" if query else "")
    return caller.send(method, caller.real(target), content=caller.real(content).encode() if content else None, **of_body, **headers)


def body_of(operation: Mapping[str, Any]) -> tuple[str, dict[str, str]]:
    for media_type, form in operation.get("requestBody", {}).get("content", {}).items():
        if "examples" in form:
            example = resolved(next(iter(form["examples"].values())))["value"]
            return json.dumps(example) if media_type == JSON else str(example), {"Content-Type": media_type}
    return "", {}


@pytest.fixture(scope="module")
def caller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    folder, port = tmp_path_factory.mktemp("examples"), free_port()
    process = Process(["serve", "--sandbox", "--port", str(port)], folder)
    process.start()
    try:
        await_ready(f"http://127.0.0.1:{port}", process)
        scopes = [part for scope in Scope for part in ("--scope", scope.value)]
        made = json.loads(run(folder, "client", "new", "examples", "--tenant", "examples", *scopes))
        yield Caller(f"http://127.0.0.1:{port}", made["access_token"])
    finally:
        process.kill()


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=str)
def test_example_is_answered_as_documented(caller: Caller, method: str, path: str) -> None:
    caller.verify()
    if (method, path) in BEFORE:
        BEFORE[method, path](caller)
    answer = sent(caller, method, path)
    documented = operation_of(method, path)["responses"]
    assert str(answer.status_code) in {status for status in documented if status.startswith("2")}, answer.text
    forms = documented[str(answer.status_code)].get("content", {})
    media_type = answer.headers.get("content-type", "").partition(";")[0]
    assert media_type in forms or not forms
    if media_type == JSON:
        schema = {**forms[JSON]["schema"], "components": DOCUMENT["components"]}
        jsonschema.validate(answer.json(), schema)


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=str)
def test_operation_has_examples_for_what_it_takes(method: str, path: str) -> None:
    operation = operation_of(method, path)
    assert [p["name"] for p in operation.get("parameters", []) if "example" not in p] == []
    for media_type, form in operation.get("requestBody", {}).get("content", {}).items():
        assert "example" in form or "examples" in form, media_type
        schema = {**form["schema"], "components": DOCUMENT["components"]}
        for example in form.get("examples", {}).values() if media_type == JSON else ():
            jsonschema.validate(resolved(example)["value"], schema)
