"""Which client asks, and what it may do. A route says what it needs by the type of its client argument.

The token is `<client_id>.<secret>`. Secrets have 256 random bits, so one SHA-256 is enough: there is nothing to guess.
"""

import hashlib
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated

from fastapi import Request, Security
from fastapi.openapi.models import HTTPBearer
from fastapi.security.base import SecurityBase

from verify_service.api.refusals import InsufficientScope, Unauthenticated
from verify_service.errors import NotFound
from verify_service.storage.records import Client
from verify_service.storage.store import Store

REMEMBERED = timedelta(seconds=30)  # a client that is disabled may go on for as long as this
_MOST_REMEMBERED = 1024
_TOKEN = re.compile(r"[Bb][Ee][Aa][Rr][Ee][Rr] +([A-Za-z0-9._-]{1,128})\.([A-Za-z0-9_-]{16,128})", re.ASCII)


class Scope(StrEnum):
    """What a client can be given."""

    VERIFY_WRITE = "verify:write"
    REPORT_READ = "report:read"
    REPORT_READ_APPLICANT = "report:read:applicant"
    REPORT_READ_MINIMUM = "report:read:minimum"
    REPORT_AMEND = "report:amend"
    SOURCE_READ = "source:read"
    SOURCE_OPERATE = "source:operate"
    AUDIT_READ = "audit:read"
    WEBHOOK_MANAGE = "webhook:manage"


WELFARE_SYSTEM = (Scope.VERIFY_WRITE, Scope.REPORT_READ, Scope.REPORT_AMEND, Scope.SOURCE_READ, Scope.WEBHOOK_MANAGE)
OPERATOR = (Scope.SOURCE_READ, Scope.SOURCE_OPERATE, Scope.AUDIT_READ)


def new_secret() -> str:
    """Return a secret of 256 random bits, 43 characters, shown to its owner once."""
    return secrets.token_urlsafe(32)


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


_NOBODYS_HASH = hash_secret(new_secret())


@dataclass(slots=True)
class Authenticator:
    """Knows clients by their tokens, and remembers those that it has just known by the token's digest."""

    store: Store
    clock: Callable[[], datetime]
    _known: dict[bytes, tuple[Client, datetime]] = field(default_factory=dict, repr=False)

    async def client(self, authorization: str | None) -> Client:
        """Return the enabled client that the header names. Raises Unauthenticated, the same way whatever is wrong with the token."""
        match = _TOKEN.fullmatch(authorization or "")
        if match is None:
            raise Unauthenticated(presented=authorization is not None)
        digest = hashlib.sha256(match[0].encode("ascii")).digest()
        now = self.clock()
        client, until = self._known.get(digest, (None, now))
        if client is None or until <= now:
            client = await self._look_up(match[1], match[2])
            self._remember(digest, client, now)
        return client

    async def _look_up(self, client_id: str, secret: str) -> Client:
        """Compare in constant time; an unknown client takes the same way as a wrong secret."""
        try:
            client: Client | None = await self.store.client(client_id)
        except NotFound:
            client = None
        expected = _NOBODYS_HASH if client is None else client.secret_hash
        matches = secrets.compare_digest(expected, hash_secret(secret))
        if client is None or not matches or client.disabled_at is not None:
            raise Unauthenticated(presented=True)
        return client

    def _remember(self, digest: bytes, client: Client, now: datetime) -> None:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[digest] = (client, now + REMEMBERED)


class Requires(SecurityBase):
    """The dependency behind the types below: gives the route its client, or refuses. OpenAPI reads the scheme from it."""

    def __init__(self, scope: Scope, *instead: Scope) -> None:
        self.scope = scope
        self.enough = frozenset({scope, *instead})
        self.model = HTTPBearer(description="`<client_id>.<secret>`, made by `verify-service client new`")
        self.scheme_name = "bearer"

    async def __call__(self, request: Request) -> Client:
        """Return the client. Raises Unauthenticated, InsufficientScope."""
        authenticator: Authenticator = request.app.state.authenticator
        client = await authenticator.client(request.headers.get("authorization"))
        request.state.client = client
        if self.enough.isdisjoint(client.scopes):
            raise InsufficientScope(self.scope)
        return client


Verifies = Annotated[Client, Security(Requires(Scope.VERIFY_WRITE), scopes=[Scope.VERIFY_WRITE])]
ReadsReports = Annotated[Client, Security(Requires(Scope.REPORT_READ), scopes=[Scope.REPORT_READ])]
# Which view each of them opens is told in views.py.
_VIEWS = (Scope.REPORT_READ, Scope.REPORT_READ_APPLICANT, Scope.REPORT_READ_MINIMUM)
ReadsViews = Annotated[Client, Security(Requires(*_VIEWS), scopes=[Scope.REPORT_READ])]
AmendsReports = Annotated[Client, Security(Requires(Scope.REPORT_AMEND), scopes=[Scope.REPORT_AMEND])]
ReadsSources = Annotated[Client, Security(Requires(Scope.SOURCE_READ), scopes=[Scope.SOURCE_READ])]
OperatesSources = Annotated[Client, Security(Requires(Scope.SOURCE_OPERATE), scopes=[Scope.SOURCE_OPERATE])]
ReadsAudit = Annotated[Client, Security(Requires(Scope.AUDIT_READ), scopes=[Scope.AUDIT_READ])]
ManagesWebhooks = Annotated[Client, Security(Requires(Scope.WEBHOOK_MANAGE), scopes=[Scope.WEBHOOK_MANAGE])]
