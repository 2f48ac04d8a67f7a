"""The audit log: rows are added and never changed (a trigger refuses), each with the digest of what it says."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
from sqlalchemy import Connection, bindparam, insert, or_, select

from verify_service.errors import NotFound
from verify_service.storage.hot import HotStatement
from verify_service.storage.records import AuditEntry
from verify_service.storage.tables import audit, reports, verifications

_INSERT = HotStatement(insert(audit).inline())
_SELECT = (
    select(audit)
    .where(audit.c.tenant == bindparam("tenant"), audit.c.id > bindparam("after"))
    .order_by(audit.c.id)
    .limit(bindparam("most"))
)
_KNOWN = select(verifications.c.id).where(verifications.c.id == bindparam("of_verification"), verifications.c.tenant == bindparam("tenant"))
_ITS_REPORTS = select(reports.c.id).where(
    reports.c.verification_id == bindparam("of_verification"), reports.c.tenant == bindparam("tenant")
)
_OF_VERIFICATION = _SELECT.where(or_(audit.c.object_id == bindparam("of_verification"), audit.c.object_id.in_(_ITS_REPORTS)))


@dataclass(frozen=True, slots=True)
class Act:
    """Who did what to which object. `detail` holds ids and codes, never a person's data."""

    tenant: str
    at: datetime
    actor: str
    action: str
    object_id: str
    detail: Mapping[str, object] = field(default_factory=dict)

    def row(self) -> dict[str, object]:
        """Return the row, with SHA-256 over its canonical JSON."""
        content = {name: getattr(self, name) for name in ("tenant", "actor", "action", "object_id", "detail")}
        said = {**content, "at": self.at.astimezone(UTC).isoformat(timespec="microseconds")}
        digest = hashlib.sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
        return {**content, "at": self.at, "digest": digest}


def record(connection: Connection, act: Act) -> None:
    """Add one row."""
    _INSERT.run(connection, act.row())


def entries(connection: Connection, tenant: str, *, after: int, limit: int) -> Sequence[AuditEntry]:
    """Return the tenant's rows after row `after`, oldest first."""
    rows = connection.execute(_SELECT, {"tenant": tenant, "after": after, "most": limit})
    return [AuditEntry(**row) for row in rows.mappings()]


def entries_of(connection: Connection, tenant: str, verification_id: str, *, after: int, limit: int) -> Sequence[AuditEntry]:
    """Return the rows about a verification and its reports after row `after`, oldest first. Raises NotFound."""
    wanted = {"tenant": tenant, "of_verification": verification_id, "after": after, "most": limit}
    if connection.execute(_KNOWN, wanted).first() is None:
        raise NotFound
    return [AuditEntry(**row) for row in connection.execute(_OF_VERIFICATION, wanted).mappings()]
