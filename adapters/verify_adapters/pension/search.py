"""The DCI envelope of a synchronous registry search, and the token that lets it pass."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import orjson
from pydantic import Field, TypeAdapter

from verify_service.domain.outcome import Question
from verify_service.sources.adapter import SourceClient, WireRequest
from verify_service.sources.reading import WireModel, read_as, read_json

_TOKEN = "access_token"
_EARLY_SECONDS = 30
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


class _Token(WireModel):
    access_token: str = Field(min_length=1, repr=False)
    token_type: str = Field(pattern=r"^[Bb]earer$")
    expires_in: int = Field(ge=1)


_TOKENS: TypeAdapter[_Token] = TypeAdapter(_Token)


def ids_of(questions: Sequence[Question]) -> tuple[str, str]:
    """Return transaction id and message id: the same for the same questions, so that the register can tell a repeat.

    A register that charges per message would charge a repeat after a lost answer twice (domain reference C8).
    """
    digest = hashlib.sha256("\n".join(sorted(f"{q.id} {q.digest}" for q in questions)).encode()).hexdigest()
    return digest[:32], digest[32:]


def remembered_token(client: SourceClient) -> str | None:
    """Return the token of an earlier call while it lives."""
    return client.remembered(_TOKEN)


async def new_token(client: SourceClient) -> str:
    """Get a token and remember it in place of any other. Raises SourceFailure: refused.not_authorised for a wrong client."""
    form = {"grant_type": "client_credentials", "client_id": client.credential("client_id"), "scope": "registry:search"}
    body = urlencode({**form, "client_secret": client.credential("client_secret")}).encode()
    exchange = await client.fetch(
        lambda: WireRequest("token", "POST", "/oauth2/token", "application/json", headers=_FORM, body=body, evidence=False)
    )
    token = read_as(_TOKENS, read_json(exchange.body))
    client.remember(_TOKEN, token.access_token, for_seconds=max(1, token.expires_in - _EARLY_SECONDS))
    return token.access_token


def search(questions: Sequence[Question], client: SourceClient, token: str) -> Callable[[], WireRequest]:
    """Return the builder of the search."""
    sender, receiver = client.credential("client_id"), client.credential("receiver_id")

    def build() -> WireRequest:
        body = orjson.dumps(_envelope(questions, client.now(), sender=sender, receiver=receiver))
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        return WireRequest("search", "POST", "/registry/sync/search", "application/json", headers=headers, body=body)

    return build


def _envelope(questions: Sequence[Question], now: datetime, *, sender: str, receiver: str) -> dict[str, Any]:
    (transaction_id, message_id), instant = ids_of(questions), now.astimezone(UTC).isoformat(timespec="seconds")
    header = {
        "version": "1.0.0",
        "message_id": message_id,
        "message_ts": instant,
        "action": "search",
        "sender_id": sender,
        "receiver_id": receiver,
        "total_count": len(questions),
        "is_msg_encrypted": False,
    }
    requests = [{"reference_id": q.id, "timestamp": instant, "search_criteria": _criteria(q)} for q in questions]
    return {"header": header, "message": {"transaction_id": transaction_id, "search_request": requests}}


def _criteria(question: Question) -> dict[str, Any]:
    """Return who is searched. The name goes along (an agreed extension of idtype-value) so that the register can refuse."""
    subject = question.subject
    return {
        "version": "1.0.0",
        "reg_type": "ns:cn:RegistryType:SocialInsurance",
        "query_type": "idtype-value",
        "query": {"type": "GB11643", "value": subject.id_number.reveal(), "name": subject.name},
    }
