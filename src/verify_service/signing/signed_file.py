"""Read a signed report from a file: a bare compact JWS, or the service's JSON answer that carries one in "jws"."""

import json
from typing import Any

from verify_service.signing.canonical import NoCanonicalForm, canonical_bytes
from verify_service.signing.verification import decode_parts, refuse


def read_signed_file(content: bytes) -> str:
    """Return the compact JWS; it is not verified yet. White space around it is not part of it.

    If a JSON answer also shows the report, that must be the signed one, since it is what a person reads. What else the
    answer holds is not signed. Raises SignatureInvalid: malformed, report_differs.
    """
    try:
        text = content.decode("utf-8").strip(" \t\r\n")
    except UnicodeDecodeError:
        refuse("malformed")
    return _from_answer(text) if text.startswith("{") else text


def _from_answer(text: str) -> str:
    try:
        answer = json.loads(text, object_pairs_hook=_members)
    except (ValueError, RecursionError):
        refuse("malformed")
    jws = answer.get("jws")
    if not isinstance(jws, str):
        refuse("malformed")
    if "report" in answer and _canonical(answer["report"]) != decode_parts(jws)[1]:
        refuse("report_differs")
    return jws


def _canonical(report: object) -> bytes | None:
    try:
        return canonical_bytes(report) if isinstance(report, dict) else None
    except NoCanonicalForm:
        return None


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that names a member twice: two readers could see two reports."""
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members
