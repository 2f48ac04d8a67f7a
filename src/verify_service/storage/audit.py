"""The audit log: rows are added and never changed (a trigger refuses), each with the digest of what it says."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import orjson
from sqlalchemy import Connection, bindparam, insert, select

from verify_service.storage.hot import HotStatement
from verify_service.storage.records import AuditEntry
from verify_service.storage.tables import audit

_INSERT = HotStatement(insert(audit).inline())
_SELECT = (
    select(audit)
    .where(audit.c.tenant == bindparam("tenant"), audit.c.id > bindparam("after"))
    .order_by(audit.c.id)
    .limit(bindparam("most"))
)


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
