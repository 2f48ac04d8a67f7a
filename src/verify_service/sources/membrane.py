"""Where foreign exceptions and damaged answers become ours: one table for errors, one list of checks for answers.

HTTP clients accept a body whose length nobody declared, and some a body cut short by a closed connection; here both are
invalid.truncated. An error before the first header is the network's; an error after it is a truncated answer.
"""

import hashlib
import re
from base64 import b64encode

import aiohttp
import httpx
import psycopg

from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.adapter import WireRequest
from verify_service.sources.failures import NotThere, SourceFailure, invalid
from verify_service.sources.gunzip import gunzip
from verify_service.sources.transport import Reply

_BUSY = 429
_REFUSED = frozenset({401, 403})
_SERVER_ERROR = 500
_NOT_THERE = frozenset({404, 410})
_MOMENTARY = frozenset({502, 503, 504})
_READABLE = frozenset({"identity", "gzip", "x-gzip"})
_DIGEST = re.compile(r"(sha-256|sha-512)=:([A-Za-z0-9+/=]*):")
_PERMISSION_DENIED, _LIMIT_CLASS = "42501", "53"  # 53: too many connections or calls for what the register gives us


FOREIGN = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError, ValueError)
# What we ourselves asked for cannot be sent: a header with a line break, an address that is none.
_NOT_SENDABLE = (httpx.LocalProtocolError, httpx.UnsupportedProtocol, httpx.DecodingError, ValueError)


def from_transport(error: Exception, *, began: bool) -> SourceFailure:
    """Return our failure for an exception of a transport, one of FOREIGN. `began`: response headers had arrived."""
    name = type(error).__name__
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return SourceFailure(OutcomeCode.TIMEOUT, failed_by="source", detail="attempt timeout")
    if began:
        return SourceFailure(OutcomeCode.TRUNCATED, failed_by="network", detail=f"body ended early: {name}")
    if isinstance(error, _NOT_SENDABLE):
        return SourceFailure(OutcomeCode.ENCODING, failed_by="us", detail=name)
    return SourceFailure(OutcomeCode.CONNECTION, failed_by="network", detail=name)


def from_database(error: psycopg.Error) -> SourceFailure:
    """Return our failure for an exception of the front-end database."""
    if error.sqlstate == _PERMISSION_DENIED or (error.sqlstate or "").startswith("28"):
        return SourceFailure(OutcomeCode.NOT_AUTHORISED, failed_by="source", detail=f"sqlstate {error.sqlstate}")
    if (error.sqlstate or "").startswith(_LIMIT_CLASS):
        return SourceFailure(OutcomeCode.RATE_LIMITED, failed_by="source", detail=f"sqlstate {error.sqlstate}")
    if error.sqlstate and not isinstance(error, psycopg.OperationalError):
        return SourceFailure(OutcomeCode.SCHEMA, failed_by="source", detail=f"sqlstate {error.sqlstate}")
    return SourceFailure(OutcomeCode.CONNECTION, failed_by="network", detail=type(error).__name__)


def check_status(reply: Reply, request: WireRequest) -> None:
    """Let accepted statuses pass. Raises SourceFailure for every other one."""
    status = reply.status
    if status in request.accept_status:
        return
    detail = f"status {status}"
    if status == _BUSY:
        raise SourceFailure(OutcomeCode.RATE_LIMITED, failed_by="source", detail=detail, retry_after_seconds=_retry_after(reply))
    if status in _REFUSED:
        raise SourceFailure(OutcomeCode.NOT_AUTHORISED, failed_by="source", detail=detail)
    if status >= _SERVER_ERROR:
        after = _retry_after(reply) if status in _MOMENTARY else None
        raise SourceFailure(OutcomeCode.HTTP_5XX, failed_by="source", detail=detail, retry_after_seconds=after)
    if status in _NOT_THERE:
        raise NotThere(OutcomeCode.SCHEMA, failed_by="source", detail=detail)
    raise invalid(OutcomeCode.SCHEMA, detail)


def _retry_after(reply: Reply) -> float | None:
    text = reply.headers.get("retry-after", "")
    return float(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def declared_length(reply: Reply, *, limit: int) -> int | None:
    """Return the declared length, or None for a chunked body (whose end is marked). Raises for neither, or too much."""
    length = reply.headers.get("content-length")
    if length is None:
        if reply.headers.get("transfer-encoding", "").lower() != "chunked":
            raise invalid(OutcomeCode.TRUNCATED, "length undeclared")
        return None
    if not (length.isascii() and length.isdigit()) or int(length) > limit:
        raise invalid(OutcomeCode.LIMIT, "declared length")
    return int(length)


async def read_whole(reply: Reply, *, limit: int) -> bytes:
    """Read the body up to `limit` bytes, hold it against the declared length and digest, and undo a gzip."""
    encoding = reply.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in _READABLE:
        raise invalid(OutcomeCode.ENCODING, "content encoding that was not asked for")
    declared = declared_length(reply, limit=limit)
    body = bytearray()
    while piece := await reply.read():
        body += piece
        if len(body) > limit:
            raise invalid(OutcomeCode.LIMIT, "body")
    if declared is not None and len(body) != declared:
        raise invalid(OutcomeCode.TRUNCATED, "shorter than declared")
    raw = bytes(body)
    check_digest(reply, raw)
    return raw if encoding == "identity" else gunzip(raw, limit=limit)


def check_digest(reply: Reply, raw: bytes) -> None:
    """Hold the body against Content-Digest and Repr-Digest (RFC 9530), if the register sends them; both cover the bytes as sent."""
    for name in ("content-digest", "repr-digest"):
        for algorithm, value in _DIGEST.findall(reply.headers.get(name, "")):
            if b64encode(hashlib.new(algorithm.replace("-", ""), raw).digest()).decode() != value:
                raise invalid(OutcomeCode.SIGNATURE, name)


def check_text(reply: Reply, body: bytes, request: WireRequest) -> None:
    """Hold media type and charset against what was asked for. Raises invalid.encoding."""
    media, _, parameters = reply.headers.get("content-type", "").partition(";")
    if media.strip().lower() != request.expect:
        raise invalid(OutcomeCode.ENCODING, "media type")
    charset = parameters.partition("charset=")[2].strip().strip('"').lower()
    if request.charset is None:
        return
    if charset and charset.replace("-", "") != request.charset.lower().replace("-", ""):
        raise invalid(OutcomeCode.ENCODING, "charset")
    try:
        body.decode(request.charset)
    except UnicodeDecodeError:
        raise invalid(OutcomeCode.ENCODING, "undecodable") from None
