"""Findings about the answers themselves: missing, damaged, too old, for another name, in conflict, given twice."""

from collections.abc import Iterator
from typing import cast

from verify_service.domain.findings import CATALOGUE, Finding, Kind
from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.domain.policy import Policy
from verify_service.domain.records import FurtherRecord
from verify_service.domain.request import VerificationRequest
from verify_service.sources.definition import Source
from verify_service.verification.merge import Merged

_BY_CODE = {OutcomeCode.NAME_MISMATCH: "ID-02", OutcomeCode.AMBIGUOUS: "ID-03"}
_BY_CLASS = {OutcomeClass.INVALID: "DAT-04", OutcomeClass.STALE: "DAT-02"}


def gaps(_request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """ID-02, ID-03, DAT-01, DAT-02, DAT-04: every cell that is no fact says so (无 is not 未反馈)."""
    for member, source in merged.gaps:
        outcome = merged.evidence.answers[member, source].outcome
        code, own = _meaning(outcome.code, merged.evidence.sources[source])
        yield Finding(code, member, source, detail=outcome.code.value, evidence=tuple(sorted(outcome.answer_digests)), own=own)


def _meaning(code: OutcomeCode, source: Source) -> tuple[str, Kind | None]:
    """Return the finding of a cell without a fact: the source's own for a partial answer, where it has one."""
    if code is OutcomeCode.PARTIAL:
        for name in source.findings:
            if own := source.own_finding(name, "partial_answer"):
                return name, own
    return _BY_CODE.get(code) or _BY_CLASS.get(code.outcome_class, "DAT-01"), None


def raised_by_records(_request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """Codes that a source brings, raised by its rows in force; a code that it does not explain is DAT-04."""
    for thing in merged.further:
        for row in (row for row in thing.rows if row.in_force and row.member in merged.counted):
            record = cast("FurtherRecord", row.record)
            for name in record.findings:
                own = row.source.own_finding(name, "record")
                code = name if own or name in CATALOGUE else "DAT-04"
                evidence = tuple(sorted(row.answer.outcome.answer_digests))
                yield Finding(code, row.member, row.source.id, about=thing.key, detail=record.kind, evidence=evidence, own=own)


def conflicts(_request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """DAT-03: registers disagree about one thing beyond the tolerance; the loser stays in the report as evidence (M6)."""
    for thing in merged.assets:
        for field in thing.conflicts:
            yield Finding("DAT-03", about=thing.key, detail=field, evidence=thing.digests)


def repeated_rows(_request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """DAT-05: one register gave the very same row twice for one member (several sources with the same are normal, M5)."""
    for (member, source), answer in merged.evidence.answers.items():
        records = answer.records
        named = {record.source_key for record in records}  # hashing a record whole takes longer than all else here
        if len(named) < len(records) and len(set(records)) < len(records):
            yield Finding("DAT-05", member, source, evidence=tuple(sorted(answer.outcome.answer_digests)))
