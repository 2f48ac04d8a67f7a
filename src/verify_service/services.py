"""The life of a verification: admitted, accepted durably, completed in one transaction, read under audit.

The API, the worker and the commands all act through one Services object, made by bootstrap. Accepting is a commit of its
own, so that a 2xx or 202 survives a kill; completing is idempotent under the fence, so that whoever goes on with the
work after a crash cannot issue it twice.
"""

import asyncio
import hashlib
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import orjson
import structlog

from verify_service.bodies import read_request
from verify_service.domain.policy import Policies
from verify_service.domain.request import VerificationRequest
from verify_service.errors import InvalidInput, NotPermitted
from verify_service.signing.keys import KeyRing
from verify_service.storage.records import (
    Accepted,
    Client,
    Issue,
    Key,
    Replay,
    ReportRow,
    ReportVersion,
    Response,
    StoredExchange,
    StoredShare,
    StoredTicket,
    TicketState,
    VerificationRow,
    VerificationState,
)
from verify_service.storage.store import Store
from verify_service.storage.webhook_records import WebhookLimits
from verify_service.telemetry import without_values
from verify_service.telemetry.counts import Counts
from verify_service.verification.answer import pending, verification_body
from verify_service.verification.fanout import Call, Channel, file_digest
from verify_service.verification.plan import local_day
from verify_service.verification.rounds import ticketed
from verify_service.verification.tracing import Tracing
from verify_service.verification.verify import Admitted, Job, Verified, Verifier

_log = structlog.get_logger("verify_service.services")
ROUTE = "/v1/verifications"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits(WebhookLimits):
    """The bounds that a deployment sets; seconds, milliseconds and bytes as named."""

    default_deadline_ms: int
    max_deadline_ms: int
    reserve_ms: int
    max_body_bytes: int
    lease_seconds: float
    poll_seconds: float
    look_together_seconds: float
    keep_events_days: int = 90
    keep_keys_days: int = 30


@dataclass(frozen=True, slots=True)
class Finished:
    """An issued report version: `verification` is JSON-able, `payload` the canonical report, `jws` its compact signature."""

    verification: Mapping[str, Any]
    payload: bytes = field(repr=False)
    jws: str = field(repr=False)
    digest: str


@dataclass(frozen=True, slots=True)
class VerificationView:
    """A verification as its client sees it."""

    verification: Mapping[str, Any]
    current_report_id: str | None


@dataclass(slots=True)
class Services:
    """Everything a request or a job needs; no part of it is a global."""

    limits: Limits
    store: Store
    policies: Policies
    verifier: Verifier
    clock: Callable[[], datetime]
    new_id: Callable[[], str]
    keyring: Callable[[], KeyRing]
    background: set[asyncio.Task[Any]] = field(default_factory=set)
    counts: Counts = field(default_factory=Counts)
    tracing: Tracing | None = None

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Return how each connected source is reached."""
        return self.verifier.channels

    def admit(self, client: Client, body: bytes) -> Admitted:
        """Check a request body whole, before anything is stored or asked.

        Raises InvalidInput (every broken rule with its JSON pointer), NotPermitted (purpose or region is not this
        client's), NoConsent (no cell may be asked).
        """
        request = read_request(body)
        now = self.clock()
        self.check(client, request, at=now)
        verification_id = self.new_id()
        plan = self.verifier.plan(request, tenant=client.tenant, verification_id=verification_id, at=now)
        return Admitted(request, verification_id, plan, now)

    def check(self, client: Client, request: VerificationRequest, *, at: datetime) -> None:
        """Hold a request against every rule but consent. Raises InvalidInput, NotPermitted."""
        verifier, regions = self.verifier, self.policies.regions
        if broken := request.violations(today=local_day(at), sources=verifier.sources, regions=regions, kinds=verifier.asset_kinds):
            raise InvalidInput(broken)
        self.policies.in_force(request.region, request.purpose, request.asset_as_of)
        self.permit(client, request)

    def permit(self, client: Client, request: VerificationRequest) -> None:
        """Raise NotPermitted unless this client may have registers asked for the request's purpose and region."""
        _check_permitted(client.purposes, request.purpose, "purpose")
        _check_permitted(client.regions, request.region, "region")

    async def accept(self, client: Client, admitted: Admitted, body: bytes, *, idempotency_key: str | None) -> Job | Replay:
        """Make the request durable. Raises IdempotencyMismatch, StillRunning."""
        request, now = admitted.request, admitted.at
        accepted = await self.store.accept(
            tenant=client.tenant,
            client_id=client.id,
            verification_id=admitted.verification_id,
            request_no=await self.store.numbers.take(request.region, local_day(now)),
            request=body,
            fingerprint=hashlib.sha256(body).hexdigest(),
            idempotency_key=idempotency_key,
            route=ROUTE,
            client_reference=request.client_reference,
            now=now,
            lease_until=now + timedelta(seconds=self.limits.lease_seconds),
            subjects=[m.id_number.reveal() for m in request.household.members],
        )
        if isinstance(accepted, Accepted):
            self.counts.states[VerificationState.ACCEPTED] += 1
            return Job(client.tenant, client.id, accepted.verification_id, request, accepted.fence, now, accepted.request_no, admitted.plan)
        return accepted

    async def complete(self, job: Job, *, deadline_seconds: float) -> Finished:
        """Verify, sign, and issue in one transaction. `deadline_seconds` from now includes the reserve for doing so."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + deadline_seconds - self.limits.reserve_ms / 1000
        with nullcontext() if self.tracing is None else self.tracing.verifying(job):
            return await self.issue(await self.verifier.verify(job, deadline=deadline, spans=self.tracing))

    async def issue(
        self,
        verified: Verified,
        *,
        closed: Mapping[str, TicketState] | None = None,
        next_looks: Mapping[str, datetime] | None = None,
        key: Key | None = None,
    ) -> Finished:
        """Write a report version with its evidence, tickets, log entry and outgoing event. Raises LostLease, IdempotencyMismatch.

        `key` is that of the request which asked for this version, when another one had asked for the verification.
        """
        verification = verification_body(verified)
        began = asyncio.get_running_loop().time()
        issue = _as_issue(verified, verification, self.limits.look_together_seconds)
        await self.store.issue(replace(issue, closed=closed or {}, next_looks=next_looks or {}, key=key))
        self.counts.issued(verification["state"], seconds=asyncio.get_running_loop().time() - began)
        if self.tracing is not None:
            self.tracing.issued(verified, at=self.clock())
        return Finished(verification, verified.signed.payload, verified.signed.jws, verified.signed.digest)

    def spawn(self, job: Job, *, deadline_seconds: float) -> "asyncio.Task[Finished]":
        """Complete in the background. The task outlives the request; a failure is logged, and the lease lets another try."""
        task = asyncio.create_task(self.complete(job, deadline_seconds=deadline_seconds), name=job.verification_id)
        self.background.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[Finished]") -> None:
        self.background.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            _log.error("verification.not_completed", **without_values(error))

    async def view(self, client: Client, verification_id: str) -> VerificationView:
        """Return where a verification stands. Raises NotFound."""
        return await self._view(await self.store.verification(tenant=client.tenant, verification_id=verification_id))

    async def numbered(self, client: Client, request_no: str) -> VerificationView:
        """Return where the verification with a request number stands. Raises NotFound."""
        return await self._view(await self.store.numbered(tenant=client.tenant, request_no=request_no))

    async def _view(self, row: VerificationRow) -> VerificationView:
        """Tell what is still waited for too, once there is a report."""
        if row.current_report_id is None:
            return VerificationView(row.view, None)
        versions = await self.store.versions(tenant=row.tenant, report_id=row.current_report_id)
        answers = await self.store.answers(tenant=row.tenant, verification_id=row.id)
        [version] = [v.version for v in versions if v.id == row.current_report_id]
        return VerificationView({**row.view, "version": version, "pending": pending(answers)}, row.current_report_id)

    async def report(self, client: Client, report_id: str) -> ReportRow:
        """Return a report; the read is in the audit log before the data leave. Raises NotFound."""
        return await self.store.report(tenant=client.tenant, report_id=report_id, actor=client.id, now=self.clock())

    async def versions(self, client: Client, report_id: str) -> Sequence[ReportVersion]:
        """Return every version of a report's verification, oldest first. Raises NotFound."""
        return await self.store.versions(tenant=client.tenant, report_id=report_id)


def _check_permitted(allowed: Collection[str], wanted: str, what: str) -> None:
    if "*" not in allowed and wanted not in allowed:
        raise NotPermitted(what)


def _as_issue(verified: Verified, verification: Mapping[str, Any], look_together_seconds: float) -> Issue:
    header, job = verified.report["header"], verified.job
    return Issue(
        tenant=job.tenant,
        verification_id=job.verification_id,
        fence=job.fence,
        report=ReportVersion(
            id=header["report_id"],
            verification_id=job.verification_id,
            version=header["version"],
            state=header["state"],
            digest=verified.signed.digest,
            kid=verified.signed.kid,
            issued_at=verified.issued_at,
            replaces=header["replaces"],
        ),
        jws=verified.signed.jws.encode("ascii"),
        state=VerificationState(header["state"]),
        actor=job.client_id,
        now=verified.issued_at,
        payload=verified.signed.payload,
        answers=verified.changed,
        exchanges=[e for n, call in enumerate(verified.calls) for e in _exchanges(n, call, header["version"])],
        shares=[StoredShare(n, c.share.places, c.share.call, header["version"]) for n, c in enumerate(verified.calls) if c.share],
        tickets=_tickets(verified.calls, look_together_seconds),
        response=Response(200 if verified.made is None else 201, {}, orjson.dumps(verification)),
        made=verified.made,
        reason=header["reason"],
        due_at=None,
    )


def _exchanges(call_no: int, call: Call, version: int) -> list[StoredExchange]:
    ids = tuple(q.id for q in call.questions)
    return [StoredExchange(call.source, call_no, i, ids, exchange, version) for i, exchange in enumerate(call.exchanges)]


def _tickets(calls: Sequence[Call], within_seconds: float) -> list[StoredTicket]:
    timed = ticketed(calls, within_seconds=within_seconds)
    return [StoredTicket(call.source, tuple(q.id for q in call.questions), ticket, file_digest=file_digest(call)) for call, ticket in timed]
