"""The tables. Columns called `sealed_…` hold ciphertext (encryption.py); every other one may be read by an operator.

    clients 1─n verifications 1─n reports (versions) 1─n views
                      │ 1─n answers, exchanges (evidence), amendments, tickets, subjects, shares n─1 shared_calls
                      └ 0─1 idempotency
    outbox, audit: written in the same transaction as what they tell of
    quotas, isolations, request_serials: what all processes share; of no tenant

`verifications` alone has a lease: (lease_until, fence). Who claims a verification raises the fence; every later write
says which fence it holds and is refused when that is no longer the highest (see docs/decisions/0006).
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from verify_service.storage.columns import Instant, Json

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)
# SQLite numbers rows by itself only in a column of type INTEGER.
_Sequence = BigInteger().with_variant(Integer, "sqlite")


def _of_verification() -> Column[str]:
    return Column("verification_id", Text, ForeignKey("verifications.id"), nullable=False)


clients = Table(
    "clients",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("secret_hash", Text, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("purposes", Json, nullable=False),
    Column("regions", Json, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("disabled_at", Instant),
)

verifications = Table(
    "verifications",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("client_id", Text, ForeignKey("clients.id"), nullable=False),
    Column("client_reference", Text),
    Column("request_no", Text, unique=True, index=True),  # null: accepted before numbers were given
    Column("state", Text, nullable=False),
    Column("sealed_request", LargeBinary, nullable=False),
    Column("request_digest", Text, nullable=False),  # blind: HMAC of the fingerprint
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("lease_until", Instant),
    Column("fence", BigInteger, nullable=False),
    Column("due_at", Instant),
    Column("current_report_id", Text),
    Column("failure", Text),
)
_UNFINISHED = text("state IN ('accepted', 'running')")
Index("ix_verifications_unfinished", verifications.c.lease_until, sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED)

idempotency = Table(
    "idempotency",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("route", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("fingerprint", Text, nullable=False),  # blind, as verifications.request_digest
    Column("verification_id", Text, nullable=False, index=True),
    Column("status", Text, nullable=False),
    Column("response_status", Integer),
    Column("response_headers", Json),
    Column("sealed_response_body", LargeBinary),
    Column("created_at", Instant, nullable=False, index=True),
    PrimaryKeyConstraint("tenant", "method", "route", "key"),
)

subjects = Table(
    "subjects",
    metadata,
    Column("tenant", Text, nullable=False),
    Column("blind_index", Text, nullable=False),
    _of_verification(),
    PrimaryKeyConstraint("tenant", "blind_index", "verification_id"),
    sqlite_with_rowid=False,
)

reports = Table(
    "reports",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    _of_verification(),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("sealed_jws", LargeBinary, nullable=False),
    Column("digest", Text, nullable=False),
    Column("kid", Text, nullable=False),
    Column("issued_at", Instant, nullable=False),
    Column("replaces", Text, ForeignKey("reports.id")),
    UniqueConstraint("verification_id", "version"),
)

# What others than the commissioning authority were given of a report version, as first signed.
views = Table(
    "views",
    metadata,
    Column("report_id", Text, ForeignKey("reports.id"), nullable=False),
    Column("view", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("sealed_jws", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("report_id", "view"),
)

# One row per report version: a row per question would be a hundred million more in a night of re-checks.
answers = Table(
    "answers",
    metadata,
    _of_verification(),
    Column("version", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("outcomes", Json, nullable=False),  # question id: outcome code
    Column("sealed_answers", LargeBinary, nullable=False),
    PrimaryKeyConstraint("verification_id", "version"),
)

exchanges = Table(
    "exchanges",
    metadata,
    _of_verification(),
    Column("version", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("call_no", Integer, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("question_ids", Json, nullable=False),
    Column("step", Text, nullable=False),
    Column("status", Integer, nullable=False),
    Column("sealed_message", LargeBinary, nullable=False),
    Column("request_digest", Text, nullable=False),
    Column("answer_digest", Text, nullable=False),
    Column("asked_at", Instant, nullable=False),
    Column("answered_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    PrimaryKeyConstraint("verification_id", "version", "source", "call_no", "ordinal"),
)

# A call that carried questions of several verifications of one client is kept once, whoever of them is issued first.
shared_calls = Table(
    "shared_calls",
    metadata,
    Column("id", Text, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("sealed_call", LargeBinary, nullable=False),
    Column("created_at", Instant, nullable=False),
)

shares = Table(
    "shares",
    metadata,
    _of_verification(),
    Column("version", Integer, nullable=False),
    Column("call_no", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("shared_call_id", Text, ForeignKey("shared_calls.id"), nullable=False, index=True),
    Column("places", Json, nullable=False),  # question id: place in the call
    PrimaryKeyConstraint("verification_id", "version", "call_no"),
)

# What an officer did to a report: at most one per version.
amendments = Table(
    "amendments",
    metadata,
    _of_verification(),
    Column("version", Integer, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("sealed_amendment", LargeBinary, nullable=False),
    PrimaryKeyConstraint("verification_id", "version"),
)

tickets = Table(
    "tickets",
    metadata,
    _of_verification(),
    Column("dedupe_key", Text, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("question_ids", Json, nullable=False),
    Column("reference", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("next_look", Instant, nullable=False),
    Column("latest", Instant, nullable=False),
    Column("file_digest", Text),
    Column("submissions", Integer, nullable=False, server_default="1"),
    PrimaryKeyConstraint("verification_id", "dedupe_key"),
)
_WAITING = text("state = 'waiting'")
Index("ix_tickets_waiting", tickets.c.next_look, sqlite_where=_WAITING, postgresql_where=_WAITING)

# Of no tenant: what all processes share about a source (sources/policy/ledger.py).
quotas = Table(
    "quotas",
    metadata,
    Column("source", Text, primary_key=True),
    Column("spent", Json, nullable=False),
)

# Of no tenant: the last serial of request numbers that was leased, by region and day (yyyymmdd).
request_serials = Table(
    "request_serials",
    metadata,
    Column("region", Text, nullable=False),
    Column("day", Text, nullable=False),
    Column("leased", Integer, nullable=False),
    PrimaryKeyConstraint("region", "day"),
)

isolations = Table(
    "isolations",
    metadata,
    Column("source", Text, primary_key=True),
    Column("reason", Text, nullable=False),
    Column("since", Instant, nullable=False),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", _Sequence, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("verification_id", Text, nullable=False),
    Column("report_id", Text),
    Column("reason", Text),  # why the version was made, as its header says
    Column("created_at", Instant, nullable=False),
    Column("routed_at", Instant),
    Column("data", Json),
)
_UNROUTED = text("routed_at IS NULL")
Index("ix_outbox_unrouted", outbox.c.id, sqlite_where=_UNROUTED, postgresql_where=_UNROUTED)

audit = Table(
    "audit",
    metadata,
    Column("id", _Sequence, primary_key=True, autoincrement=True),
    Column("tenant", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("detail", Json, nullable=False),
    Column("digest", Text, nullable=False),
)
Index("ix_audit_object_id", audit.c.object_id)
