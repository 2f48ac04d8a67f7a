"""Request bodies, parsed strictly: what breaks a rule is told by JSON pointer and rule, never by value."""

import re
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from verify_service.domain.request import VerificationRequest
from verify_service.errors import InvalidInput, Violation
from verify_service.sources import strict_json

M = TypeVar("M", bound=BaseModel)
_FIELD = re.compile(r"[a-z](?:[a-z_]|[0-9](?![0-9]{3})){0,63}", re.ASCII)  # what is no field's name may be a person's: told as *
_RULES = {
    "extra_forbidden": ("unknown_field", "a field that the request does not have"),
    "missing": ("required", "a required field"),
    "id_number": ("gb_11643", "an identity number: 18 characters, a real birth date, a check character that holds"),
}


def read_request(body: bytes) -> VerificationRequest:
    """Parse a request body strictly. Raises InvalidInput with JSON pointers; no value is repeated."""
    return read_strictly(VerificationRequest, body)


def read_strictly(model: type[M], body: bytes) -> M:
    """Parse a JSON body as a model. Raises InvalidInput with JSON pointers; no value is repeated."""
    try:
        strict_json.loads(body)
    except strict_json.StrictJsonError as error:
        raise InvalidInput.at("", f"json_{error.rule}", "strict JSON (RFC 8259, unique keys)", code="invalid-json") from None
    return read_as(model, body)


def read_as(model: type[M], body: bytes) -> M:
    """Read JSON that is known to be strict, as `read_strictly` does."""
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise InvalidInput([_violation(e["loc"], e["type"]) for e in error.errors(include_url=False, include_input=False)]) from None


def _violation(place: tuple[int | str, ...], kind: str) -> Violation:
    pointer = "".join(f"/{part if isinstance(part, int) or _FIELD.fullmatch(part) else '*'}" for part in place)
    rule, detail = _RULES.get(kind, (kind, f"must satisfy {kind}"))
    return Violation(pointer, rule, detail)
