"""The request headers that carry meaning: Accept, Idempotency-Key, Prefer, X-Deadline-Ms."""

import re
from dataclasses import dataclass

from fastapi import Request

from verify_service.api.refusals import InvalidHeader, NotAcceptable
from verify_service.services import Limits

_VISIBLE = re.compile(r"[\x21-\x7e]{1,255}", re.ASCII)
_SECONDS = re.compile(r"[0-9]{1,4}", re.ASCII)
_MILLISECONDS = re.compile(r"[0-9]{1,6}", re.ASCII)
_QUALITY = re.compile(r"(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)", re.ASCII)
_LEAST_DEADLINE_MS = 500


@dataclass(frozen=True, slots=True)
class Preference:
    """How long the caller wants to wait (RFC 7240), in seconds; None: until the report is there. `applied` goes back."""

    wait_seconds: float | None = None
    applied: str | None = None


def accepted(request: Request, *offers: str) -> str:
    """Return the offer that the caller likes best, the first among equals. Raises NotAcceptable."""
    header = ",".join(request.headers.getlist("accept")).strip()
    if header in {"", "*/*", offers[0]}:
        return offers[0]
    ranges = [r for r in map(_range, header.split(",")) if r is not None]
    best, quality = max(((offer, _liking(offer, ranges)) for offer in offers), key=lambda pair: pair[1])
    if quality <= 0:
        raise NotAcceptable
    return best


def _range(text: str) -> tuple[str, float] | None:
    media, *parameters = (part.strip().lower() for part in text.split(";"))
    quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
    return (media, float(quality)) if _QUALITY.fullmatch(quality) else None


def _liking(offer: str, ranges: list[tuple[str, float]]) -> float:
    """Return the quality of the most specific range that covers the offer (RFC 9110 §12.5.1)."""
    for wanted in (offer, f"{offer.partition('/')[0]}/*", "*/*"):
        for media, quality in ranges:
            if media == wanted:
                return quality
    return 0.0


def idempotency_key(request: Request) -> str | None:
    """Return the key, given bare or as a structured string in quotes. Raises InvalidHeader."""
    given = request.headers.getlist("idempotency-key")
    if not given:
        return None
    key = given[0]
    if len(key) > 1 and key[0] == key[-1] == '"':
        key = re.sub(r'\\(["\\])', r"\1", key[1:-1])
    if len(given) > 1 or not _VISIBLE.fullmatch(key):
        raise InvalidHeader("Idempotency-Key", "key", "once, 1 to 255 visible ASCII characters, bare or in quotes")
    return key


def preference(request: Request, limits: Limits) -> Preference:
    """Return what Prefer asks for. As RFC 7240 has it, what is not understood is passed over, and the first of two counts."""
    wishes: dict[str, str] = {}
    for wish in ",".join(request.headers.getlist("prefer")).split(","):
        name, _, value = wish.partition(";")[0].partition("=")
        wishes.setdefault(name.strip().lower(), value.strip().strip('"'))
    wait = wishes.get("wait", "")
    if _SECONDS.fullmatch(wait):
        seconds = min(int(wait), limits.max_deadline_ms // 1000)
        return Preference(seconds, f"wait={seconds}")
    return Preference(0, "respond-async") if "respond-async" in wishes else Preference()


def deadline_seconds(request: Request, limits: Limits) -> float:
    """Return how long the report may take, in seconds. Raises InvalidHeader."""
    given = request.headers.getlist("x-deadline-ms")
    if not given:
        return limits.default_deadline_ms / 1000
    if len(given) > 1 or not _MILLISECONDS.fullmatch(given[0]) or not _LEAST_DEADLINE_MS <= int(given[0]) <= limits.max_deadline_ms:
        raise InvalidHeader("X-Deadline-Ms", "range", f"once, whole milliseconds, {_LEAST_DEADLINE_MS} to {limits.max_deadline_ms}")
    return int(given[0]) / 1000
