"""Who changed what since the first version, oldest first; the states of findings and the header follow from it."""

from pydantic import with_config
from typing_extensions import TypedDict

from verify_service.domain.amendment import Amendment, FindingState, Officer, Resolver
from verify_service.domain.report.base import CLOSED, Instant


@with_config(CLOSED)
class AmendmentLine(TypedDict):
    """One amendment and the version it made."""

    version: int
    at: Instant
    amendment: Amendment


@with_config(CLOSED)
class ResolutionLine(TypedDict):
    """Who said last what became of a finding; `version` is the one in which it was said."""

    state: FindingState
    officer: Officer
    note: str
    resolver: Resolver | None
    at: Instant
    version: int


@with_config(CLOSED)
class ActLine(TypedDict):
    """The named officer who closed the gaps or withdrew the report, and why."""

    officer: Officer
    reason: str
    at: Instant
