"""Findings (疑点与提示): what a person should look at. A finding never decides anything (只核对、不认定)."""

from dataclasses import dataclass

from verify_service.domain.catalogue import CATALOGUE, Kind, Severity
from verify_service.domain.interval import Exact, Interval, Unit
from verify_service.domain.swift import swift

__all__ = ["CATALOGUE", "Finding", "Kind", "Severity"]


@swift
@dataclass(frozen=True, slots=True)
class Finding:
    """One finding. `about` is the asset or line it speaks of; measured and line are in `unit`.

    clause: of the rules, where a line of theirs is passed. exemption: what was left out of account, and by what.

    own: what the code means, where a source brings it; None for a code of the catalogue.
    """

    code: str
    member: str | None = None
    source: str | None = None
    about: str = ""
    detail: str = ""
    measured: Interval | None = None
    line: Exact | None = None
    unit: Unit | None = None
    evidence: tuple[str, ...] = ()
    own: Kind | None = None
    clause: str = ""
    exemption: str = ""

    @property
    def kind(self) -> Kind:
        """Return what the code means."""
        return self.own or CATALOGUE[self.code]

    @property
    def order(self) -> tuple[str, ...]:
        """Return the canonical position in a report: by severity, then code, member, source, asset."""
        return (_RANK[self.kind.severity], self.code, self.member or "", self.source or "", self.about, self.detail)


_RANK = {Severity.LIMIT: "0", Severity.DOUBT: "1", Severity.QUALITY: "2", Severity.NOTE: "3"}
