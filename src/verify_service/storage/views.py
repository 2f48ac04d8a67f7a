"""Views of reports, as they were first signed: a key that is rotated, or a rule of masking that changes, leaves them as they are."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select
from sqlalchemy.dialects import postgresql, sqlite

from verify_service.storage import audit
from verify_service.storage.encryption import FieldCipher, Place
from verify_service.storage.hot import HotStatement
from verify_service.storage.tables import views

_KEEP = HotStatement(
    {"sqlite": sqlite.insert(views).on_conflict_do_nothing(), "postgresql": postgresql.insert(views).on_conflict_do_nothing()}
)
_KEPT = select(views).where(
    views.c.report_id == bindparam("report_id"), views.c.view == bindparam("view"), views.c.tenant == bindparam("tenant")
)


@dataclass(frozen=True, slots=True)
class SignedView:
    """One view of one report version; `digest` is the SHA-256 of its canonical bytes."""

    tenant: str
    report_id: str
    view: str
    jws: bytes = field(repr=False)
    digest: str


def give(connection: Connection, cipher: FieldCipher, signed: SignedView, *, actor: str, now: datetime) -> SignedView:
    """Return the view as it was first signed, now if it was not; that it was given is in the log in the same transaction."""
    key = {"report_id": signed.report_id, "view": signed.view, "tenant": signed.tenant}
    _KEEP.run(connection, {**key, "digest": signed.digest, "sealed_jws": cipher.seal(_place(key), signed.jws), "created_at": now})
    row = connection.execute(_KEPT, key).one()
    audit.record(connection, audit.Act(signed.tenant, now, actor, "report.viewed", signed.report_id, {"view": signed.view}))
    return SignedView(signed.tenant, signed.report_id, signed.view, cipher.open(_place(key), row.sealed_jws), row.digest)


def _place(key: dict[str, Any]) -> Place:
    return Place("views", "sealed_jws", key["report_id"], key["view"])
