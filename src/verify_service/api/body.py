"""Read a request body, never more than the limit and never for ever."""

import asyncio
import re

from fastapi import Request

from verify_service.api.refusals import BodyTooLarge, BodyTooSlow, InvalidHeader, UnsupportedMediaType

READ_SECONDS = 30.0
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_JSON = "application/json"


def content_type(request: Request, *known: str) -> str:
    """Return which of the known media types the body has. Raises UnsupportedMediaType; a coding (gzip …) is refused too."""
    headers = request.headers
    media, _, parameters = headers.get("content-type", "").partition(";")
    media = media.strip().lower()
    charset = parameters.strip().lower().removeprefix("charset=").strip('"')
    if media not in known or charset not in {"", "utf-8"} or headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedMediaType
    return media


def require_json(request: Request) -> None:
    """Raise UnsupportedMediaType unless the body says that it is JSON."""
    content_type(request, _JSON)


async def read_body(request: Request, *, limit: int, seconds: float = READ_SECONDS) -> bytes:
    """Return the body, at most `limit` bytes. Raises BodyTooLarge (on the stated length before reading, else at the limit), BodyTooSlow."""
    declared = request.headers.get("content-length")
    if declared is not None:
        if not _LENGTH.fullmatch(declared):
            raise InvalidHeader("Content-Length", "digits", "a number of bytes")
        if int(declared) > limit:
            raise BodyTooLarge
    try:
        async with asyncio.timeout(seconds):
            return await _read(request, limit)
    except TimeoutError:
        raise BodyTooSlow from None


async def _read(request: Request, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge
        chunks.append(chunk)
    return b"".join(chunks)
