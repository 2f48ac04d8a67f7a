"""The store: one method per thing that API, worker and commands need, each one transaction.

Everything is asked for by tenant; what belongs to another tenant is NotFound. Only `client` (who is this?) and the
claims of the worker see all tenants.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from sqlalchemy import make_url, text

from verify_service.domain.amendment import Made
from verify_service.domain.outcome import Answer
from verify_service.errors import ConfigurationError
from verify_service.sources.adapter import Ticket
from verify_service.storage import accepting, amending, audit, backlog, cancelling, issuing, leasing, migrations, progress, reading, views
from verify_service.storage.batches import BatchStore
from verify_service.storage.encryption import FieldCipher
from verify_service.storage.executor import Executor
from verify_service.storage.ledger import DatabaseLedger
from verify_service.storage.numbering import RequestNumbers
from verify_service.storage.postgresql import PostgresqlExecutor
from verify_service.storage.purging import Purging
from verify_service.storage.records import (
    Accepted,
    AuditEntry,
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
    TicketClaim,
    VerificationRow,
)
from verify_service.storage.sqlite import SqliteExecutor
from verify_service.storage.webhooks import WebhookStore

_PING = text("SELECT 1")


async def open_store(database_url: str, *, cipher: FieldCipher, pool_size: int = 8) -> "Store":
    """Open the database; the schema must be there (`migrate`). Raises ConfigurationError for an engine we do not know."""
    url = make_url(database_url)
    match url.get_backend_name():
        case "sqlite":
            _expect_file(url.database)
            return Store(SqliteExecutor(url), cipher)
        case "postgresql":
            return Store(PostgresqlExecutor(url, pool_size=pool_size), cipher)
        case other:
            raise ConfigurationError(f"the database is SQLite or PostgreSQL, not {other}")


class Store:
    """All durable state. Use it from the event loop it was opened in, and close it."""

    def __init__(self, executor: Executor, cipher: FieldCipher) -> None:
        self._executor = executor
        self._cipher = cipher
        self.batches = BatchStore(executor, cipher)
        self.numbers = RequestNumbers(executor)
        self.purging = Purging(executor)
        self.webhooks = WebhookStore(executor, cipher)

    @property
    def ledger(self) -> DatabaseLedger:
        """Return what all processes share about sources: quotas and isolations."""
        return DatabaseLedger(self._executor)

    async def close(self) -> None:
        """Finish what was handed in and close every connection."""
        await self._executor.close()

    async def ping(self) -> None:
        """Return when the database answers; raises what the driver raises when it does not."""
        await self._executor.read(lambda connection: connection.execute(_PING).scalar_one())

    async def migration_is_current(self) -> bool:
        """Say whether the schema is the one this code was written for."""
        return await self._executor.read(migrations.is_current)

    async def accept(  # noqa: PLR0913 - the parts of a request, which come from as many places
        self,
        *,
        tenant: str,
        client_id: str,
        verification_id: str,
        request: bytes,
        fingerprint: str,
        idempotency_key: str | None,
        route: str,
        client_reference: str | None,
        request_no: str | None = None,
        now: datetime,
        lease_until: datetime,
        method: str = "POST",
        subjects: Sequence[str] = (),
        response: Response | None = None,
    ) -> Accepted | Replay:
        """Make a request durable, or find the response its key already has.

        `subjects` are identity numbers to find the verification by; only a blind index is kept. `response` is kept at
        once when it is known already (202). Raises IdempotencyMismatch (the key came with another fingerprint), StillRunning, StoreBusy.
        """
        submission = accepting.Submission(
            tenant=tenant,
            client_id=client_id,
            verification_id=verification_id,
            request_no=request_no,
            request=request,
            fingerprint=fingerprint,
            idempotency_key=idempotency_key,
            method=method,
            route=route,
            client_reference=client_reference,
            now=now,
            lease_until=lease_until,
            subjects=subjects,
            response=response,
        )
        return await self._executor.write(partial(accepting.accept, cipher=self._cipher, submission=submission))

    async def respond(self, *, tenant: str, verification_id: str, response: Response) -> None:
        """Keep the response of a verification's key, unless there is no key or it has one already."""
        await self._executor.write(
            partial(accepting.respond, cipher=self._cipher, tenant=tenant, verification_id=verification_id, response=response),
            finishing=True,
        )

    async def issue(self, issue: Issue) -> None:
        """Write one report version with all it brings. Repeating it changes nothing. Raises NotFound, LostLease."""
        prepared = issuing.prepare(self._cipher, issue)
        await self._executor.write(partial(issuing.write, cipher=self._cipher, prepared=prepared), finishing=True)

    async def fail(self, *, tenant: str, verification_id: str, fence: int, reason: str, now: datetime, actor: str = "service") -> None:
        """End a verification that cannot be finished; its key may be used again. Raises NotFound, LostLease."""
        failure = issuing.Failure(tenant, verification_id, fence, reason, actor, now)
        await self._executor.write(partial(issuing.fail, failure=failure), finishing=True)

    async def cancel(self, row: VerificationRow, *, made: Made, actor: str) -> bool:
        """End an unfinished verification under the fence that `row` names. False: it is finished, or somebody else holds it."""
        return await self._executor.write(partial(cancelling.cancel, cipher=self._cipher, row=row, made=made, actor=actor))

    async def verification(self, *, tenant: str, verification_id: str) -> VerificationRow:
        """Return a verification with its request. Raises NotFound."""
        return await self._executor.read(partial(reading.verification, cipher=self._cipher, key=_key(tenant, verification_id)))

    async def numbered(self, *, tenant: str, request_no: str) -> VerificationRow:
        """Return the verification with this request number. Raises NotFound."""
        return await self._executor.read(partial(reading.numbered, cipher=self._cipher, tenant=tenant, number=request_no))

    async def report(self, *, tenant: str, report_id: str, actor: str, now: datetime) -> ReportRow:
        """Return a report version; that `actor` read it is durable before this returns. Raises NotFound."""
        read = partial(reading.report, cipher=self._cipher, key=_key(tenant, report_id), actor=actor, now=now)
        return await self._executor.write(read)

    async def give_view(self, signed: views.SignedView, *, actor: str, now: datetime) -> views.SignedView:
        """Return a view as it was first signed; that `actor` got it is durable before this returns."""
        return await self._executor.write(partial(views.give, cipher=self._cipher, signed=signed, actor=actor, now=now))

    async def progress(self, *, tenant: str, verification_id: str) -> progress.Progress:
        """Return the states that a verification came into. Raises NotFound."""
        return await self._executor.read(partial(progress.progress, key=_key(tenant, verification_id)))

    async def versions(self, *, tenant: str, report_id: str) -> Sequence[ReportVersion]:
        """Return every version of the report that this id is a version of, oldest first. Raises NotFound."""
        return await self._executor.read(partial(reading.versions, key=_key(tenant, report_id)))

    async def evidence(self, *, tenant: str, verification_id: str) -> Sequence[StoredExchange]:
        """Return every kept exchange, by version, source, call and ordinal. Raises NotFound."""
        return await self._executor.read(partial(reading.evidence, cipher=self._cipher, key=_key(tenant, verification_id)))

    async def shares(self, *, tenant: str, verification_id: str) -> Sequence[StoredShare]:
        """Return a verification's parts in calls that others share, by version and call. Raises NotFound.

        A shared call holds what was asked and answered about other people of the same client: read your places, show no others.
        """
        return await self._executor.read(partial(reading.shares_of, cipher=self._cipher, key=_key(tenant, verification_id)))

    async def answers(self, *, tenant: str, verification_id: str, up_to: int | None = None) -> Sequence[Answer]:
        """Return one answer per cell, the newest (or the newest as of version `up_to`). Raises NotFound."""
        return await self._executor.read(
            partial(reading.current_answers, cipher=self._cipher, key=_key(tenant, verification_id), up_to=up_to)
        )

    async def amendments(self, *, tenant: str, verification_id: str) -> Sequence[Made]:
        """Return what officers did to a verification's report, oldest first."""
        return await self._executor.read(partial(amending.read, cipher=self._cipher, key=_key(tenant, verification_id)))

    async def replay(self, *, tenant: str, key: Key) -> Replay | None:
        """Return what was answered under the key of a request that makes a version, if anything was. Raises IdempotencyMismatch."""
        return await self._executor.read(partial(amending.replay, cipher=self._cipher, tenant=tenant, key=key))

    async def tickets(self, *, tenant: str, verification_id: str) -> Sequence[StoredTicket]:
        """Return a verification's tickets in every state. Raises NotFound."""
        return await self._executor.read(partial(reading.tickets_of, key=_key(tenant, verification_id)))

    async def verifications_of(self, *, tenant: str, id_number: str) -> Sequence[str]:
        """Return the ids of the verifications that a person is a member of."""
        return await self._executor.read(
            partial(reading.verifications_of, tenant=tenant, blind_index=self._cipher.blind(tenant, id_number))
        )

    async def client(self, client_id: str) -> Client:
        """Return a client of any tenant, disabled or not. Raises NotFound."""
        return await self._executor.read(partial(reading.client, client_id=client_id))

    async def add_client(self, client: Client, *, actor: str = "operator") -> None:
        """Add a client; its id must be new."""
        await self._executor.write(partial(reading.add_client, client=client, actor=actor))

    async def clients(self) -> Sequence[Client]:
        """Return every client, by tenant and age."""
        return await self._executor.read(reading.clients_of_all_tenants)

    async def disable_client(self, client_id: str, *, now: datetime, actor: str = "operator") -> None:
        """Disable a client from `now` on; one that is disabled already stays so since then. Raises NotFound."""
        await self._executor.write(partial(reading.disable_client, client_id=client_id, now=now, actor=actor))

    async def unfinished(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[VerificationRow]:
        """Claim verifications that were accepted and whose holder is gone; each comes with its new fence."""
        return await self._executor.write(partial(leasing.claim_unfinished, cipher=self._cipher, now=now, until=lease_until, limit=limit))

    async def tickets_due(self, *, now: datetime, lease_until: datetime, limit: int) -> Sequence[TicketClaim]:
        """Take the due tickets of up to `limit` verifications that nobody holds. Until `lease_until` nobody else looks at them.

        The verifications stay free meanwhile. End with `issue` under a claim of the verification, `postpone` or `hand_in_again`.
        """
        return await self._executor.write(partial(leasing.claim_tickets, now=now, until=lease_until, limit=limit))

    async def postpone(self, looks: Sequence[tuple[TicketClaim, datetime]]) -> None:
        """Look at claimed tickets again then. One that was closed or taken by another meanwhile is left alone."""
        await self._executor.write(partial(leasing.postpone, looks=looks), finishing=True)

    async def hand_in_again(self, claim: TicketClaim, *, fence: int, ticket: Ticket, file_digest: str | None, now: datetime) -> None:
        """Keep the new receipt of work that a register had forgotten, in the log too. Raises NotFound, LostLease.

        `fence` is that of the verification, which was claimed for it and is let go.
        """
        receipt = leasing.Receipt(fence, ticket, file_digest, now)
        await self._executor.write(partial(leasing.hand_in_again, claim=claim, receipt=receipt), finishing=True)

    async def claim(self, *, tenant: str, verification_id: str, now: datetime, lease_until: datetime) -> VerificationRow:
        """Claim one verification for a further version. Raises NotFound, LostLease while another holds it."""
        lease = leasing.Lease(tenant, verification_id, 0)
        return await self._executor.write(partial(leasing.claim_one, cipher=self._cipher, lease=lease, now=now, until=lease_until))

    async def renew(self, *, tenant: str, verification_id: str, fence: int, lease_until: datetime | None) -> None:
        """Hold a verification longer; None lets go of it. Raises NotFound, LostLease."""
        await self._executor.write(
            partial(leasing.renew, lease=leasing.Lease(tenant, verification_id, fence), until=lease_until), finishing=True
        )

    async def backlog(self, *, now: datetime) -> backlog.Backlog:
        """Return what waits, over all tenants: tickets and events."""
        return await self._executor.read(partial(backlog.backlog, now=now))

    async def record_act(self, act: audit.Act) -> None:
        """Add an audit row for what happens outside the store, such as a recomputation from evidence."""
        await self._executor.write(partial(audit.record, act=act))

    async def audit_log(self, *, tenant: str, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Return audit rows after row id `after`, oldest first."""
        return await self._executor.read(partial(audit.entries, tenant=tenant, after=after, limit=limit))

    async def audit_of(self, *, tenant: str, verification_id: str, after: int = 0, limit: int = 1000) -> Sequence[AuditEntry]:
        """Return audit rows about a verification and its reports after row id `after`, oldest first. Raises NotFound."""
        read = partial(audit.entries_of, tenant=tenant, verification_id=verification_id, after=after, limit=limit)
        return await self._executor.read(read)


def _key(tenant: str, identifier: str) -> dict[str, str]:
    return {"tenant": tenant, "id": identifier}


def _expect_file(database: str | None) -> None:
    """Do not let the driver create an empty database where there is none."""
    if database is None or not Path(database).is_file():
        raise ConfigurationError("there is no such SQLite file; run `verify-service migrate` first")
