"""The states that a verification came into, oldest first. Nothing of the household is opened for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from verify_service.errors import NotFound
from verify_service.storage.records import VerificationState
from verify_service.storage.tables import reports, verifications

_v, _r = verifications.c, reports.c
_STATE = select(_v.state, _v.created_at, _v.updated_at).where(_v.id == bindparam("id"), _v.tenant == bindparam("tenant"))
_VERSIONS = (
    select(_r.version, _r.state, _r.issued_at, _r.id)
    .where(_r.verification_id == bindparam("id"), _r.tenant == bindparam("tenant"))
    .order_by(_r.version)
)
_ENDED_WITHOUT_REPORT = frozenset({VerificationState.FAILED, VerificationState.CANCELLED})
_GOING_ON = frozenset({VerificationState.ACCEPTED, VerificationState.RUNNING, VerificationState.PARTIAL})


@dataclass(frozen=True, slots=True)
class StateChange:
    """One state and when it was reached: number 0 is the acceptance, n is report version n, one more an end without a report."""

    number: int
    state: VerificationState
    at: datetime
    report_id: str | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """Everything so far; `is_over` when nothing more is to be expected without somebody acting."""

    changes: Sequence[StateChange]
    is_over: bool


def progress(connection: Connection, key: dict[str, str]) -> Progress:
    """Return where a verification came from and where it is. Raises NotFound."""
    row = connection.execute(_STATE, key).first()
    if row is None:
        raise NotFound
    changes = [StateChange(0, VerificationState.ACCEPTED, row.created_at)]
    versions = connection.execute(_VERSIONS, key)
    changes += [StateChange(number, VerificationState(state), at, report_id) for number, state, at, report_id in versions]
    state = VerificationState(row.state)
    if state in _ENDED_WITHOUT_REPORT:
        changes.append(StateChange(changes[-1].number + 1, state, row.updated_at))
    return Progress(changes, state not in _GOING_ON)
