"""The OpenAPI 3.1 document: routes as FastAPI knows them, schemas from the models, examples from the files that tests send."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal

import orjson
from fastapi.openapi.utils import get_openapi
from pydantic import TypeAdapter
from starlette.routing import BaseRoute

from verify_service import __version__
from verify_service.api import batch_wire, differences, policies, source_view, webhook_wire, wire
from verify_service.api.describe import ref
from verify_service.api.examples import ANSWERS, PARAMETERS, REQUESTS
from verify_service.bootstrap import shipped_folder
from verify_service.bulk.forms import template
from verify_service.bulk.webhooks.message import WebhookEvent
from verify_service.domain.amendment import ActRequest, CorrectionRequest, ObjectionRequest, ResolutionRequest, RevocationRequest
from verify_service.domain.difference import Difference
from verify_service.domain.report import Report
from verify_service.domain.request import VerificationRequest
from verify_service.domain.view import ApplicantView, MinimumView
from verify_service.storage.batch_records import FileForm

_Wanted = tuple[str, Literal["validation", "serialization"], TypeAdapter[Any]]
_TEMPLATE = "#/components/schemas/{model}"
_DESCRIPTION = (
    "A welfare system posts a household and its consents; every permitted register is asked about every member at once; what was "
    "answered, and what was not, comes back as one signed report. It compares, it never decides. Money is an integer of fen. "
    "Errors are RFC 9457 problems; branch on their `code`. Unknown fields are refused."
)
_TAGS = [
    {"name": "verifications", "description": "Ask for a verification and see where it stands."},
    {"name": "reports", "description": "Read signed reports, follow their versions, verify one that somebody brings."},
    {"name": "batches", "description": "Many households in one file: handed in, watched, their results."},
    {"name": "webhooks", "description": "Be told when a report is issued or a batch is over, instead of asking."},
    {"name": "sources", "description": "The registers that can be asked, how they do, and holding one back."},
    {"name": "audit", "description": "Who did or read what."},
    {"name": "policies", "description": "The rules that reports are made by: which are in force where and when."},
    {"name": "service", "description": "Keys, health, metrics."},
]
# What a receiver gets, as OpenAPI 3.1 describes what a service itself sends.
_TOLD: dict[str, Any] = {
    "summary": "An event",
    "description": "Signed after Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. At least once, in no order.",
    "requestBody": {"content": {"application/json": {"schema": ref("WebhookEvent")}}},
    "responses": {"2XX": {"description": "Taken."}, "410": {"description": "Gone: the endpoint is sent nothing more."}},
}
_READ: tuple[type[Any], ...] = (
    *(VerificationRequest, wire.SignedReport, source_view.Reason),
    *(differences.ReplayRequest, webhook_wire.EndpointRequest),
    *(ActRequest, ResolutionRequest, ObjectionRequest, CorrectionRequest, RevocationRequest),
)
_WRITTEN: tuple[type[Any], ...] = (
    *(Report, ApplicantView, MinimumView, Difference, differences.ReplayAnswer),
    *(wire.Problem, wire.VerificationAnswer, wire.ReportState, wire.Versions, wire.Verdict),
    policies.PoliciesView,
    *(batch_wire.BatchReceipt, batch_wire.BatchTrial, batch_wire.BatchAnswer, batch_wire.RowProof),
    *(webhook_wire.NewEndpoint, webhook_wire.EndpointAnswer, webhook_wire.Endpoints, webhook_wire.Deliveries, webhook_wire.Redelivery),
    WebhookEvent,
    *(source_view.Sources, source_view.SourceView, wire.AuditPage, wire.StateEvent, wire.PublicKeys, wire.Health, wire.Readiness),
)


def document(routes: Sequence[BaseRoute]) -> dict[str, Any]:
    """Return the document of these routes; the same routes and models give the same document."""
    made = get_openapi(title="verify-service", version=__version__, description=_DESCRIPTION, tags=_TAGS, routes=routes)
    for operation in (operation for methods in made["paths"].values() for operation in methods.values()):
        _drop_framework_answer(operation["responses"])
        for parameter in operation.get("parameters", ()):
            if "example" not in parameter and parameter["name"] in PARAMETERS:
                parameter["example"] = PARAMETERS[parameter["name"]]
    made["webhooks"] = {"event": {"post": _TOLD}}
    components = made.setdefault("components", {})
    components["schemas"] = schemas()
    household = {"summary": "A family of four", "value": _example("household.json")}
    forms: tuple[FileForm, ...] = ("ndjson", "csv")
    files = {f"batch.{form}": {"value": template(form).decode()} for form in forms}
    # Here and not in the routes: FastAPI takes every null out of what a route says.
    components["examples"] = {"household": household, **files, **{name: {"value": value} for name, value in (REQUESTS | ANSWERS).items()}}
    return made


def _drop_framework_answer(responses: dict[str, Any]) -> None:
    """Take out the answer that FastAPI promises for path parameters; ours are plain text and are never refused with 422."""
    if "application/json" in responses.get("422", {}).get("content", {}):
        del responses["422"]


@lru_cache(maxsize=1)
def schemas() -> dict[str, Any]:
    """Return every schema by name. Two models of one name would get longer names, and a test would miss the short one."""
    read: list[_Wanted] = [(model.__name__, "validation", TypeAdapter(model)) for model in _READ]
    written: list[_Wanted] = [(model.__name__, "serialization", TypeAdapter(model)) for model in _WRITTEN]
    _, told = TypeAdapter.json_schemas(read + written, ref_template=_TEMPLATE)
    return dict(sorted((told["$defs"] | _composed()).items()))


def _composed() -> dict[str, Any]:
    """Return the answers whose bytes are joined around a signed report, for which there is no model."""
    jws = {"type": "string", "description": "compact JWS (RFC 7515); its payload is exactly the bytes of `report`"}
    return {
        "FinishedVerification": _object("A verification with its report.", verification=ref("Verification"), report=ref("Report"), jws=jws),
        "ReportAnswer": _object("A report version as it was signed.", report=ref("Report"), jws=jws, state=ref("ReportState")),
        "ViewAnswer": _object(
            "A view of a report version, signed in its own right; `state` is that of the report.",
            view={"anyOf": [ref("ApplicantView"), ref("MinimumView")]},
            jws={"type": "string", "description": "compact JWS (RFC 7515); its payload is exactly the bytes of `view`"},
            state=ref("ReportState"),
        ),
        "ReportOrView": {"anyOf": [ref("ReportAnswer"), ref("ViewAnswer")]},
    }


def _object(description: str, **properties: object) -> dict[str, Any]:
    return {
        "type": "object",
        "description": description,
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def _example(name: str) -> Any:
    return orjson.loads((shipped_folder("examples") / name).read_bytes())
