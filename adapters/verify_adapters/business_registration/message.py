r"""The X-Road message around a query: who asks for what, on whose behalf; and what must come back with the answer.

The request hash is base64(SHA-512(method \n path \n body)). The register echoes it, so that an answer can be bound to the
question it answers without trusting the connection; as the body is a function of the questions, stored answers can be
bound again later. No header names a person: the user id is the office, the issue a digest of the questions.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from urllib.parse import quote
from uuid import UUID

import orjson

from verify_service.domain.outcome import FailedBy, OutcomeCode, Question
from verify_service.sources.adapter import Exchange
from verify_service.sources.failures import SourceFailure, invalid

SERVICE = "CN-GOV/GOV/SAMR/registration/business-registry"
PATH = f"/r1/{SERVICE}/v1/persons/roles"

# First match by prefix: the two security servers are named as X-Road sees them, ours is ClientProxy, theirs ServerProxy.
_ERRORS: tuple[tuple[str, OutcomeCode, FailedBy], ...] = (
    ("Server.ServerProxy.AccessDenied", OutcomeCode.NOT_AUTHORISED, "source"),
    ("Server.ServerProxy.ServiceDisabled", OutcomeCode.MAINTENANCE, "source"),
    ("Server.ServerProxy.UnknownService", OutcomeCode.NOT_CONNECTED, "source"),
    ("Server.ServerProxy.NetworkError", OutcomeCode.CONNECTION, "network"),
    ("Server.ServerProxy.", OutcomeCode.HTTP_5XX, "source"),
    ("Server.ClientProxy.NetworkError", OutcomeCode.CONNECTION, "network"),
    ("Server.ClientProxy.", OutcomeCode.CONNECTION, "us"),
    ("Client.", OutcomeCode.NOT_AUTHORISED, "us"),
)


def query_body(questions: Sequence[Question]) -> bytes:
    """Return the request: place, number and name of each person, for which purpose and under which authorisation."""
    persons = [
        {"seq": seq, "idNumber": q.subject.id_number.reveal(), "name": q.subject.name, "purpose": q.purpose, "authorisation": q.consent}
        for seq, q in enumerate(questions, 1)
    ]
    return orjson.dumps({"persons": persons})


def message_headers(questions: Sequence[Question], *, client_id: str, message_id: str) -> dict[str, str]:
    """Return the X-Road headers of one attempt."""
    return {
        "Content-Type": "application/json; charset=utf-8",
        "Accept": "application/json",
        "X-Road-Client": client_id,
        "X-Road-Service": SERVICE,
        "X-Road-Id": message_id,
        "X-Road-UserId": f"{quote(questions[0].tenant, safe='')}/verification-office",
        "X-Road-Issue": hashlib.sha256("".join(q.digest for q in questions).encode()).hexdigest()[:32],
    }


def new_message_id(nonce: str) -> str:
    """Return a UUID of 32 random hexadecimal characters."""
    return str(UUID(hex=nonce, version=4))


def request_hash(body: bytes) -> str:
    """Return what the register must echo for this body."""
    return base64.b64encode(hashlib.sha512(f"POST\n{PATH}\n".encode() + body).digest()).decode()


def require_answer(exchange: Exchange) -> None:
    """Let an answer pass. Raises the failure that an X-Road error or a status other than 200 means."""
    error = exchange.headers.get("x-road-error")
    if error is not None:
        raise _error(error)
    if exchange.status >= 500:
        raise SourceFailure(OutcomeCode.HTTP_5XX, failed_by="source", detail=f"status {exchange.status}")
    if exchange.status != 200:
        raise invalid(OutcomeCode.SCHEMA, f"status {exchange.status}")


def _error(error: str) -> SourceFailure:
    for prefix, code, failed_by in _ERRORS:
        if error.startswith(prefix):
            return SourceFailure(code, failed_by=failed_by, detail=f"x-road {prefix.rstrip('.')}")
    return invalid(OutcomeCode.SCHEMA, "unknown x-road error type")


def require_echo(headers: Mapping[str, str], questions: Sequence[Question]) -> None:
    """Compare the echoed request hash. Raises invalid.signature when there is none, invalid.binding for another request's."""
    echoed = headers.get("x-road-request-hash")
    if not echoed:
        raise invalid(OutcomeCode.SIGNATURE, "request hash not echoed")
    if echoed != request_hash(query_body(questions)):
        raise invalid(OutcomeCode.BINDING, "request hash of another request")
