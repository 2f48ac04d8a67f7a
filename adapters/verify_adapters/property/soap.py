"""SOAP 1.1 as this register speaks it: the envelope out, the body or the fault in."""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from xml.sax.saxutils import escape

from verify_service.domain.outcome import OutcomeCode, Question
from verify_service.sources.adapter import Exchange
from verify_service.sources.failures import SourceFailure, invalid
from verify_service.sources.reading import read_xml

PATH = "/services/RealPropertyQuery"
ACTION = '"urn:cn:real-property:query:QueryRights"'
PAGE_ROWS = 200

_SOAP = "{http://schemas.xmlsoap.org/soap/envelope/}"
_SOAP_ENVELOPE, _SOAP_BODY, _SOAP_FAULT = (f"{_SOAP}{name}" for name in ("Envelope", "Body", "Fault"))
_NAMESPACE = "{urn:cn:real-property:query}"
_NAME_AT = len(_NAMESPACE)
_RESPONSE = f"{_NAMESPACE}QueryRightsResponse"
_LISTS = {_NAMESPACE + of_all: _NAMESPACE + of_one for of_all, of_one in (("Persons", "Person"), ("Rows", "Row"), ("GYRLB", "GYR"))}
_FAULTS = {
    "Server.Busy": OutcomeCode.HTTP_5XX,
    "Server.Maintenance": OutcomeCode.MAINTENANCE,
    "Client.NotAuthorised": OutcomeCode.NOT_AUTHORISED,
}
_ENVELOPE = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Header>'
    '<wsse:Security xmlns:wsse="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"'
    ' xmlns:wsu="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd" soap:mustUnderstand="1">'
    "<wsse:UsernameToken><wsse:Username>{user}</wsse:Username>"
    '<wsse:Password Type="urn:cn:real-property:query#PasswordDigestSHA256">{digest}</wsse:Password>'
    "<wsse:Nonce>{nonce}</wsse:Nonce><wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security></soap:Header>"
    '<soap:Body><QueryRights xmlns="urn:cn:real-property:query"><QueryId>{query_id}</QueryId><PageNo>{page_no}</PageNo>'
    "<PageSize>{page_rows}</PageSize><Persons>{persons}</Persons></QueryRights></soap:Body></soap:Envelope>"
)


def query_id_of(questions: Sequence[Question]) -> str:
    """Return the id of the query, 32 hexadecimal characters: the same for the same questions, so a repeat is recognisable."""
    return hashlib.sha256("\n".join(sorted(f"{q.id} {q.digest}" for q in questions)).encode()).hexdigest()[:32]


def token(user: str, secret: str, *, nonce: str, now: datetime) -> dict[str, str]:
    """Return the UsernameToken's parts, escaped.

    The digest is Base64(SHA-256(nonce + created + secret)): the scheme of WSS 1.0 with SHA-256 in place of its SHA-1.
    """
    raw, created = bytes.fromhex(nonce), now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    digest = hashlib.sha256(raw + created.encode() + secret.encode()).digest()
    return {
        "user": escape(user),
        "digest": base64.b64encode(digest).decode(),
        "nonce": base64.b64encode(raw).decode(),
        "created": created,
    }


def persons_of(questions: Sequence[Question]) -> str:
    """Return the people asked about as XML; XH is the question's id, under which the register must answer."""
    return "".join(
        f"<Person><XH>{escape(q.id)}</XH><ZJHM>{q.subject.id_number.reveal()}</ZJHM><XM>{escape(q.subject.name)}</XM></Person>"
        for q in questions
    )


def envelope(parts: dict[str, str], *, query_id: str, page_no: int, persons: str) -> bytes:
    """Return the request for one page."""
    return _ENVELOPE.format(**parts, query_id=query_id, page_no=page_no, page_rows=PAGE_ROWS, persons=persons).encode()


def read_body(exchange: Exchange) -> dict[str, Any]:
    """Return the content of QueryRightsResponse as names and texts; an empty element is an absent field.

    Raises SourceFailure: what a fault stands for, unavailable.http_5xx for a 500 that is no fault, invalid.schema otherwise.
    """
    if exchange.status != 200:
        raise _failure_of(exchange)
    content = _content(exchange.body)
    if content.tag == _SOAP_FAULT:
        raise _fault(content)
    if content.tag != _RESPONSE:
        raise invalid(OutcomeCode.SCHEMA, "soap: not the response that was asked for")
    return _fields(content)


def _failure_of(exchange: Exchange) -> SourceFailure:
    try:
        content = _content(exchange.body)
    except SourceFailure:
        return SourceFailure(OutcomeCode.HTTP_5XX, failed_by="source", detail=f"http {exchange.status} without a fault")
    if content.tag != _SOAP_FAULT:
        return SourceFailure(OutcomeCode.HTTP_5XX, failed_by="source", detail=f"http {exchange.status} without a fault")
    return _fault(content)


def _content(body: bytes) -> Any:
    root = read_xml(body)
    bodies = [part for part in root if part.tag == _SOAP_BODY]
    if root.tag != _SOAP_ENVELOPE or len(bodies) != 1 or len(bodies[0]) != 1:
        raise invalid(OutcomeCode.SCHEMA, "soap: not an envelope with one body of one element")
    return bodies[0][0]


def _fault(fault: Any) -> SourceFailure:
    """Return the failure of a fault's code; SOAP 1.1 refines codes with a dot. The fault's text may name anything: not kept."""
    code = (fault.findtext("faultcode") or "").rpartition(":")[2]
    if code not in _FAULTS:
        return invalid(OutcomeCode.SCHEMA, "soap: fault of an unknown code")
    return SourceFailure(_FAULTS[code], failed_by="source", detail=f"soap: fault {code}")


def _fields(element: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for child in element:
        tag: str = child.tag
        if not tag.startswith(_NAMESPACE) or tag in found:
            raise invalid(OutcomeCode.SCHEMA, "soap: an element twice or of another namespace")
        found[tag] = child.text if len(child) == 0 and tag not in _LISTS else _inner(child, _LISTS.get(tag))
    return {tag[_NAME_AT:]: value for tag, value in found.items() if value is not None}


def _inner(element: Any, items: str | None) -> dict[str, Any] | list[dict[str, Any]]:
    """Return the fields of an element, or one dict for each of its `items` where it is a list."""
    if element.text and element.text.strip():
        raise invalid(OutcomeCode.SCHEMA, "soap: text beside elements")
    if items is None:
        return _fields(element)
    if any(child.tag != items for child in element):
        raise invalid(OutcomeCode.SCHEMA, "soap: a stranger in a list")
    return [_fields(child) for child in element]
