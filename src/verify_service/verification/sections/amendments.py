"""Amendments as a report shows them, the states of its findings, and the names by which findings are called."""

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel

from verify_service.domain.amendment import GapClosure, Made, Resolution, Withdrawal
from verify_service.domain.findings import Finding
from verify_service.domain.report.amendments import ActLine, AmendmentLine, ResolutionLine
from verify_service.domain.report.income import FindingLine
from verify_service.domain.request import VerificationRequest
from verify_service.verification.amend import resolutions
from verify_service.verification.sections.lines import finding_line
from verify_service.verification.sections.texts import instant

_ID_DIGITS = 16


def amendments(made: Sequence[Made]) -> list[AmendmentLine]:
    """Return every amendment, oldest first."""
    return [{"version": m.version, "at": instant(m.at), "amendment": _plain(m.amendment)} for m in made]


def act_line(made: Made, act: GapClosure | Withdrawal) -> ActLine:
    """Return who did it, why and when."""
    return {"officer": _plain(act.officer), "reason": act.reason, "at": instant(made.at)}


def findings(found: Sequence[Finding], request: VerificationRequest, verification_id: str, made: Sequence[Made]) -> list[FindingLine]:
    """Return the findings in their order, each with its id and with what was said of it last."""
    said = {finding: _resolution(*last) for finding, last in resolutions(made).items()}
    ids = _ids(found, request, verification_id)
    return [finding_line(f, named, said.get(named)) for f, named in zip(found, ids, strict=True)]


def _ids(found: Sequence[Finding], request: VerificationRequest, verification_id: str) -> Iterator[str]:
    """Name findings by what they speak of, so that the same one has the same id in a later version.

    The id stands in URLs, and what a finding speaks of may be a plate: the members' numbers and names salt it, so that it
    cannot be guessed back.
    """
    salt = "|".join((verification_id, *(f"{m.id_number.reveal()}{m.name}" for m in request.household.members)))
    base, seen = hashlib.sha256(salt.encode()), dict[str, int]()
    for f in found:
        named = base.copy()
        named.update("|".join(("", f.code, f.member or "", f.source or "", f.about, f.detail)).encode())
        name = named.hexdigest()[:_ID_DIGITS]
        seen[name] = seen.get(name, 0) + 1
        yield name if seen[name] == 1 else f"{name}-{seen[name]}"


def _resolution(made: Made, resolution: Resolution) -> ResolutionLine:
    return {
        "state": resolution.state,
        "officer": _plain(resolution.officer),
        "note": resolution.note,
        "resolver": resolution.resolver,
        "at": instant(made.at),
        "version": made.version,
    }


def _plain(model: BaseModel) -> Any:
    """Return a model as plain JSON, which is what is signed."""
    return model.model_dump(mode="json")
