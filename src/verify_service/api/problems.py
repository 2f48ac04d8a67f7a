"""The one table from error to HTTP problem (RFC 9457). A problem names the place and the rule that is broken, never a value."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
import psycopg
from fastapi.exceptions import RequestValidationError
from sqlalchemy import exc as database
from starlette.exceptions import HTTPException
from starlette.responses import Response

from verify_service.api import refusals
from verify_service.errors import (
    ExtraNotInstalled,
    IdempotencyMismatch,
    InvalidInput,
    NoConsent,
    NotFound,
    NotPermitted,
    StillRunning,
    Superseded,
    WrongState,
)
from verify_service.sources.policy import LedgerUnavailable
from verify_service.storage.errors import LostLease, SerialsUsedUp, StoreBusy

TYPE_ROOT = "https://verify-service.example/problems/"
MEDIA_TYPE = "application/problem+json"
_MOST_TOLD, _MOST_LISTED = 3, 100


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem. `code` and the type made from it are stable; `retry_after` is in seconds."""

    code: str
    status: int
    title: str
    errors: tuple[type[BaseException], ...] = ()
    retry_after: int | None = None


# SQLAlchemy's, and the drivers' own: hot statements run on the driver.
_UNAVAILABLE = (
    *(database.OperationalError, database.InterfaceError, database.TimeoutError),
    *(sqlite3.OperationalError, psycopg.OperationalError, psycopg.InterfaceError, LedgerUnavailable, StoreBusy, SerialsUsedUp),
)

KINDS = (
    Kind("invalid-json", 400, "The body is not strict JSON."),
    Kind("invalid-header", 400, "A header breaks a rule.", (refusals.InvalidHeader,)),
    Kind("bad-request", 400, "The request cannot be read."),
    Kind("unauthenticated", 401, "A valid bearer token of an enabled client is needed.", (refusals.Unauthenticated,)),
    Kind("insufficient-scope", 403, "The client was not given the scope that this needs.", (refusals.InsufficientScope,)),
    Kind("not-permitted", 403, "The client may not do this for this purpose or region.", (NotPermitted,)),
    Kind("no-consent", 403, "No live consent or legal basis covers any question; nothing was asked.", (NoConsent,)),
    Kind("not-found", 404, "There is no such thing for this client.", (NotFound,)),
    Kind("method-not-allowed", 405, "The resource does not know this method."),
    Kind("not-acceptable", 406, "None of the accepted media types can be given.", (refusals.NotAcceptable,)),
    Kind("request-timeout", 408, "The body did not arrive in time.", (refusals.BodyTooSlow,)),
    Kind("still-running", 409, "The verification has not finished; ask again.", (StillRunning, LostLease), retry_after=1),
    Kind("superseded", 409, "A later version has replaced this report; act on that one.", (Superseded,)),
    Kind("wrong-state", 409, "That cannot be done in this state.", (WrongState,)),
    Kind("body-too-large", 413, "The body is longer than the limit.", (refusals.BodyTooLarge,)),
    Kind("unsupported-media-type", 415, "The content type or coding of the body is not read here.", (refusals.UnsupportedMediaType,)),
    Kind(
        "extra-not-installed",
        415,
        "This form of file is read where the service is installed with its extra: verify-service[parquet].",
        (ExtraNotInstalled,),
    ),
    Kind("invalid-request", 422, "The request breaks a rule; each is listed with its place.", (InvalidInput, RequestValidationError)),
    Kind("idempotency-mismatch", 422, "The Idempotency-Key was used with another body.", (IdempotencyMismatch,)),
    Kind("too-many-batches", 429, "The client has as many open batches as it may have.", (refusals.TooManyBatches,), retry_after=60),
    Kind("internal", 500, "Something here is broken; it was logged under the instance."),
    Kind(
        "too-many-streams",
        503,
        "As many event streams are open as this process serves, or one client may have; ask for the thing itself instead.",
        (refusals.TooManyStreams,),
        retry_after=5,
    ),
    Kind("unavailable", 503, "The store cannot take this now; ask again, with the same Idempotency-Key.", _UNAVAILABLE, retry_after=5),
)
BY_CODE: Mapping[str, Kind] = {kind.code: kind for kind in KINDS}
_BY_ERROR = {error: kind for kind in KINDS for error in kind.errors}
_BY_STATUS = {kind.status: kind for kind in (BY_CODE["not-found"], BY_CODE["method-not-allowed"], BY_CODE["bad-request"])}


def kind_of(error: BaseException) -> Kind:
    """Return the kind of an error; what the table does not know is `internal`."""
    if isinstance(error, InvalidInput):
        return BY_CODE[error.code]
    if isinstance(error, HTTPException):
        return _BY_STATUS.get(error.status_code, BY_CODE["internal"])
    return next((_BY_ERROR[base] for base in type(error).__mro__ if base in _BY_ERROR), BY_CODE["internal"])


def problem(error: BaseException, *, request_id: str) -> Response:
    """Return the problem document for an error."""
    kind, places = kind_of(error), _places(error)
    body: dict[str, Any] = {
        "type": TYPE_ROOT + kind.code,
        "title": kind.title,
        "status": kind.status,
        "detail": "; ".join(f"{_name(place)}: {place['detail']}" for place in places[:_MOST_TOLD]) or kind.title,
        "code": kind.code,
        "instance": f"urn:uuid:{request_id}",
        "errors": places[:_MOST_LISTED],
    }
    return Response(orjson.dumps(body), kind.status, _headers(error, kind), MEDIA_TYPE)


def _name(place: Mapping[str, str]) -> str:
    return place.get("pointer") or place.get("header") or place.get("parameter") or "/"


def _places(error: BaseException) -> list[dict[str, str]]:
    if isinstance(error, InvalidInput):
        return [{"pointer": v.pointer, "rule": v.rule, "detail": v.detail} for v in error.violations]
    if isinstance(error, WrongState):
        return [{"pointer": "", "rule": error.rule, "detail": error.detail}]
    if isinstance(error, refusals.InvalidHeader):
        return [{"header": error.header, "rule": error.rule, "detail": error.detail}]
    if isinstance(error, RequestValidationError):
        broken = [(str(e["loc"][-1]), e["type"]) for e in error.errors()]
        return [{"parameter": name, "rule": rule, "detail": f"must satisfy {rule}"} for name, rule in broken]
    if isinstance(error, NotPermitted) and error.args:
        return [{"pointer": f"/{error.args[0]}", "rule": "permitted", "detail": "among those the client was given"}]
    return []


def _headers(error: BaseException, kind: Kind) -> dict[str, str]:
    headers = {} if kind.retry_after is None else {"Retry-After": str(kind.retry_after)}
    if isinstance(error, refusals.Unauthenticated):
        headers["WWW-Authenticate"] = 'Bearer realm="verify-service"' + (', error="invalid_token"' if error.presented else "")
    elif isinstance(error, refusals.InsufficientScope):
        headers["WWW-Authenticate"] = f'Bearer realm="verify-service", error="insufficient_scope", scope="{error.scope}"'
    elif isinstance(error, StillRunning | LostLease):
        headers["Location"] = f"/v1/verifications/{error.verification_id}"
    elif isinstance(error, Superseded):
        headers["Location"] = f"/v1/reports/{error.replaced_by}"
    elif isinstance(error, refusals.BodyTooSlow):
        headers["Connection"] = "close"  # not so after 413: a caller that is still sending would see a reset, not the problem
    elif isinstance(error, HTTPException) and error.headers and "Allow" in error.headers:
        headers["Allow"] = error.headers["Allow"]
    return headers
