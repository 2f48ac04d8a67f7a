"""What answers look like, for the OpenAPI document and for those that are built here. The report's own form is domain.report."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from verify_service.signing.verification import Reason
from verify_service.storage.records import AuditEntry, ReportVersion, VerificationState

Standing = Literal["current", "superseded", "withdrawn", "unknown"]


class Wire(BaseModel):
    """Immutable; an unknown field is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class BrokenRule(Wire):
    """One broken rule, with its place in the body (RFC 6901 pointer, "" is the whole) or in a header. Never the value."""

    pointer: str | None = Field(default=None, examples=["/household/members/0/id_number"])
    header: str | None = Field(default=None, examples=["X-Deadline-Ms"])
    parameter: str | None = Field(default=None, examples=["limit"])
    rule: str = Field(examples=["gb_11643"])
    detail: str


class Problem(Wire):
    """RFC 9457. Branch on `code`; `instance` is the id of the request, under which the service logged it."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str
    errors: list[BrokenRule]


class PendingAnswer(Wire):
    """A question whose source answers later."""

    member: str
    source: str
    next_look: datetime | None
    latest: datetime | None


class Verification(Wire):
    """Where a verification stands. `version` and `pending` are told once a report version is issued."""

    id: str
    request_no: str | None = Field(description="核对编号; null: accepted before numbers were given", examples=["HD99010120261124000001Z"])
    client_reference: str | None
    state: VerificationState
    accepted_at: datetime
    updated_at: datetime
    report_id: str | None
    version: int | None = None
    pending: list[PendingAnswer] = Field(default_factory=list)


class VerificationAnswer(Wire):
    """A verification that has no report yet, or is asked for alone."""

    verification: Verification


class StateEvent(Wire):
    """One state of a verification; `report_id` is the report version that came with it."""

    verification_id: str
    state: VerificationState
    at: datetime
    report_id: str | None


class ReportState(Wire):
    """Whether this version still stands."""

    is_current: bool
    replaced_by: str | None = Field(description="id of the version that replaces this one")


class Version(Wire):
    """One version of a report, without its content. `digest` is the SHA-256 of the canonical report, in hexadecimal."""

    id: str
    verification_id: str
    version: int
    state: str
    digest: str
    kid: str
    issued_at: datetime
    replaces: str | None

    @classmethod
    def of(cls, row: ReportVersion) -> "Version":
        """Build it from what is stored."""
        return cls(**{name: getattr(row, name) for name in cls.model_fields})


class Versions(Wire):
    """Every version of a report's verification, oldest first."""

    versions: list[Version]


class SignedReport(Wire):
    """A signed report to be verified: a compact JWS (RFC 7515)."""

    jws: str = Field(max_length=50_000_000, examples=["eyJhbGciOiJFZERTQSJ9.e30.c2ln"])


class Verdict(Wire):
    """Whether a signature holds, and if so whether the report still stands at `as_of`."""

    valid: bool
    reason: Reason | None = Field(description="why it is not valid")
    kid: str | None
    state: Standing = Field(description="unknown: not valid, or not a report of this client's tenant. withdrawn: in any version")
    replaced_by: str | None
    as_of: datetime


class AuditRecord(Wire):
    """Who did what to which object. `detail` holds ids and codes; `digest` is the SHA-256 of what the entry says."""

    id: int
    at: datetime
    actor: str
    action: str = Field(examples=["report.read"])
    object_id: str
    detail: dict[str, Any]
    digest: str

    @classmethod
    def of(cls, entry: AuditEntry) -> "AuditRecord":
        """Build it from what is stored."""
        return cls(**{name: getattr(entry, name) for name in cls.model_fields})


class AuditPage(Wire):
    """Entries of the audit log, oldest first."""

    entries: list[AuditRecord]
    next: int | None


class PublicKey(Wire):
    """A public key (RFC 8037)."""

    kty: Literal["OKP"]
    crv: Literal["Ed25519"]
    x: str
    kid: str
    use: Literal["sig"]
    alg: Literal["EdDSA"]


class PublicKeys(Wire):
    """Every key that ever signed a report, newest first (RFC 7517)."""

    keys: list[PublicKey]


class Health(Wire):
    """The process answers."""

    status: Literal["ok"]
    version: str


class Readiness(Wire):
    """Whether the service can do its work, and which of its needs are met."""

    ready: bool
    checks: dict[str, bool]
