"""Findings about the answers themselves: missing, damaged, too old, for another name, in conflict, given twice."""

from collections.abc import Iterator

from verify_service.domain.findings import Finding
from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.domain.policy import Policy
from verify_service.domain.request import VerificationRequest
from verify_service.verification.merge import Merged, usable

_BY_CODE = {OutcomeCode.NAME_MISMATCH: "ID-02", OutcomeCode.AMBIGUOUS: "ID-03"}
_BY_CLASS = {OutcomeClass.INVALID: "DAT-04", OutcomeClass.STALE: "DAT-02"}


def gaps(_request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """ID-02, ID-03, DAT-01, DAT-02, DAT-04: every cell that is no fact says so (无 is not 未反馈)."""
    for (member, source), answer in merged.evidence.answers.items():
        outcome = answer.outcome
        if not usable(outcome.code):
            code = _BY_CODE.get(outcome.code) or _BY_CLASS.get(outcome.code.outcome_class, "DAT-01")
            yield Finding(code, member, source, detail=outcome.code.value, evidence=tuple(sorted(outcome.answer_digests)))


def conflicts(_request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """DAT-03: registers disagree about one thing beyond the tolerance; the loser stays in the report as evidence (M6)."""
    for thing in merged.assets:
        for field in thing.conflicts:
            yield Finding("DAT-03", about=thing.key, detail=field, evidence=thing.digests)


def repeated_rows(_request: VerificationRequest, merged: Merged, _policy: Policy) -> Iterator[Finding]:
    """DAT-05: one register gave the very same row twice for one member (several sources with the same are normal, M5)."""
    for (member, source), answer in merged.evidence.answers.items():
        records = answer.records
        if len(records) > 1 and len(set(records)) < len(records):
            yield Finding("DAT-05", member, source, evidence=tuple(sorted(answer.outcome.answer_digests)))
