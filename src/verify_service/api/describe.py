"""Small builders for the OpenAPI document: bodies, answers and problems, each by the name of its schema."""

from collections.abc import Mapping
from typing import Any

from verify_service.api.examples import ANSWERS, FORGED
from verify_service.api.problems import BY_CODE, MEDIA_TYPE, TYPE_ROOT, Kind
from verify_service.storage.batch_records import FileForm

JSON, JOSE, EVENTS = "application/json", "application/jose", "text/event-stream"
Responses = dict[int | str, dict[str, Any]]
_HEADERS = {
    "Location": "where the verification can be seen",
    "Retry-After": "seconds until it is worth asking again",
    "ETag": "the SHA-256 of the canonical bytes that were signed, in hexadecimal",
    "Link": "RFC 8288 and 5829: the version that replaces this one, if there is one",
}
_JWS = {"type": "string", "pattern": r"^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$", "description": "compact JWS (RFC 7515), EdDSA"}


def ref(name: str) -> dict[str, str]:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def json_body(name: str, *, example: str) -> dict[str, Any]:
    """Return a JSON request body; the example is one of the files in examples/ or one in examples.REQUESTS."""
    named = {example: {"$ref": f"#/components/examples/{example}"}}
    return {"required": True, "content": {JSON: {"schema": ref(name), "examples": named}}}


def signed_body() -> dict[str, Any]:
    """Return the body that carries a report to be verified."""
    content = json_body("SignedReport", example="signed_report")["content"]
    return {"required": True, "content": {**content, JOSE: {"schema": _JWS, "example": FORGED}}}


def file_body(media_types: Mapping[FileForm, str]) -> dict[str, Any]:
    """Return a request body that is a file in one of several forms."""
    return {"required": True, "content": _files(media_types)}


def file_answer(media_types: Mapping[FileForm, str], description: str) -> dict[str, Any]:
    """Return a response that is a file in one of several forms."""
    return {"description": description, "content": _files(media_types)}


def _files(media_types: Mapping[FileForm, str]) -> dict[str, Any]:
    """Return each form; those of text have the first lines of examples/batch.* as their example, others the template."""
    binary = {"schema": {"type": "string", "format": "binary"}}
    return {media: {**binary, **_example_of(form)} for form, media in media_types.items()}


def _example_of(form: FileForm) -> dict[str, Any]:
    if form in {"ndjson", "csv"}:
        return {"examples": {f"batch.{form}": {"$ref": f"#/components/examples/batch.{form}"}}}
    return {"examples": {f"template.{form}": {"externalValue": f"/v1/batches/templates/{form}"}}}  # a workbook is no text


def json_answer(name: str, description: str = "", *headers: str) -> dict[str, Any]:
    """Return a JSON response."""
    form: dict[str, Any] = {"schema": ref(name)}
    if name in ANSWERS:
        form["examples"] = {"answer": {"$ref": f"#/components/examples/{name}"}}
    answer: dict[str, Any] = {"description": description or f"{name}.", "content": {JSON: form}}
    if headers:
        answer["headers"] = {header: {"description": _HEADERS[header], "schema": {"type": "string"}} for header in headers}
    return answer


def jws_answer(name: str, description: str, *headers: str) -> dict[str, Any]:
    """Return a response that is also given as a compact JWS."""
    answer = json_answer(name, description, *headers)
    answer["content"][JOSE] = {"schema": _JWS}
    return answer


def event_stream(data: str, description: str, *, example: str | None = None) -> dict[str, Any]:
    """Return a stream of server-sent events whose data are of one schema."""
    form: dict[str, Any] = {"schema": {"type": "string", "description": f"the data of every event is a {data}"}}
    if example is not None:
        form["example"] = example
    return {"description": description, "content": {EVENTS: form}}


def problems(*codes: str) -> Responses:
    """Return the problem responses for these codes, and for what may befall every route."""
    kinds = [BY_CODE[code] for code in (*codes, "internal", "unavailable")]
    return {status: _problem_response([k for k in kinds if k.status == status]) for status in sorted({k.status for k in kinds})}


def _problem_response(kinds: list[Kind]) -> dict[str, Any]:
    examples = {kind.code: {"value": _example(kind)} for kind in kinds}
    description = " Or: ".join(kind.title for kind in kinds)
    return {"description": description, "content": {MEDIA_TYPE: {"schema": ref("Problem"), "examples": examples}}}


def _example(kind: Kind) -> Mapping[str, object]:
    errors = {
        "invalid-request": [{"pointer": "/household/members/0/id_number", "rule": "gb_11643", "detail": "an identity number"}],
        "invalid-json": [{"pointer": "", "rule": "json_duplicate_key", "detail": "strict JSON (RFC 8259, unique keys)"}],
        "invalid-header": [{"header": "X-Deadline-Ms", "rule": "range", "detail": "once, whole milliseconds, 500 to 30000"}],
    }
    return {
        "type": TYPE_ROOT + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": kind.title,
        "code": kind.code,
        "instance": "urn:uuid:01939d7e-2a4b-7c3d-8e5f-0123456789ab",
        "errors": errors.get(kind.code, []),
    }


def _header(name: str, description: str, schema: dict[str, Any], example: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema, "example": example}


IDEMPOTENCY_KEY = _header(
    "Idempotency-Key",
    "Send the same key with the same body again after a lost answer: the same bytes come back, and nothing is asked twice. "
    "Another body: 422. While the first is running: 409.",
    {"type": "string", "minLength": 1, "maxLength": 257},
    "0b9f6a54-5d0c-4b0e-9c38-4f4a2b8a7a11",
)
PREFER = _header(
    "Prefer",
    "RFC 7240. `respond-async`: answer 202 at once. `wait=N`: answer 202 unless the report is there within N seconds.",
    {"type": "string"},
    "wait=5",
)
LAST_EVENT_ID = _header("Last-Event-ID", "The `id` of the last event that arrived.", {"type": "integer", "minimum": 0}, "0")
DEADLINE = _header(
    "X-Deadline-Ms",
    "When the report is issued at the latest, in milliseconds from now. Sources that have not answered by then are told as such.",
    {"type": "integer", "minimum": 500, "maximum": 30_000},
    "10000",
)
