"""Lines, findings and what a reader must know of the data."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

from verify_service.domain.findings import Finding
from verify_service.domain.money import half_up
from verify_service.domain.outcome import UNDER_FORMER_NAME, OutcomeClass
from verify_service.domain.policy import UNITS
from verify_service.domain.records import RealProperty
from verify_service.domain.report.amendments import ResolutionLine
from verify_service.domain.report.income import ComparedLine, DataNote, FindingLine
from verify_service.domain.request import VerificationRequest
from verify_service.verification.assets import Asset
from verify_service.verification.compare import Compared
from verify_service.verification.merge import Merged, usable

_HALF = Fraction(1, 2)


def lines(compared: Sequence[Compared]) -> list[ComparedLine]:
    """Return every line in force with what was measured."""
    return [_line(c) for c in compared]


def _line(c: Compared) -> ComparedLine:
    line, unit = c.line, UNITS[c.line.figure]
    measured: Any = c.measured.to_json(unit)
    return {
        "code": c.code,
        "title_zh": line.title_zh,
        "figure": line.figure,
        "clause": line.clause,
        "unit": unit,
        "per": line.per,
        "standard": line.standard,
        "multiple": line.multiple,
        "within": line.within,
        "of": "household" if c.of is None else c.of,
        "line": half_up(c.value),
        "measured": measured,
        "result": c.result,
    }


def finding_line(f: Finding, finding_id: str, resolution: ResolutionLine | None) -> FindingLine:
    """Return a finding with its kind's text and rule."""
    kind = f.kind
    measured: Any = None if f.measured is None or f.unit is None else f.measured.to_json(f.unit)
    return {
        "id": finding_id,
        "code": f.code,
        "severity": kind.severity.value,
        "text_zh": kind.text_zh,
        "text_en": kind.text_en,
        "member": f.member,
        "source": f.source,
        "about": f.about,
        "detail": f.detail,
        "measured": measured,
        "line": None if f.line is None else half_up(f.line),
        "unit": f.unit,
        "evidence": list(f.evidence),
        "rule": kind.rule,
        "formula": kind.formula,
        "clause": f.clause,
        "exemption": f.exemption,
        "resolver": kind.resolver,
        "state": "open" if resolution is None else resolution["state"],
        "resolution": resolution,
    }


def data_notes(request: VerificationRequest, merged: Merged) -> list[DataNote]:
    """Return revoked consents, missing and waiting answers, lower bounds, conflicts and unknown shares, in canonical order."""
    return [*_revoked(request), *_cells(merged), *_bounds(merged), *_things(merged)]


def _revoked(request: VerificationRequest) -> Iterator[DataNote]:
    for member in sorted({c.member for c in request.consents if c.revoked_at is not None}):
        text = "授权已撤回:此后不再查询,已取得的反馈封存"
        yield _note("consent_revoked", member, text, "consent revoked: nothing is asked after it, what was answered is frozen")


def _cells(merged: Merged) -> Iterator[DataNote]:
    for (member, source), answer in merged.evidence.answers.items():
        code, about = answer.outcome.code, f"{member}:{source}"
        if answer.outcome.detail == UNDER_FORMER_NAME:
            yield _note("former_name", about, "来源以申报的曾用名登记", "the register knows her by a former name that she declared")
        if usable(code):
            continue
        if code.outcome_class is OutcomeClass.PENDING:
            yield _note("waiting", about, "来源稍后反馈,届时出具新版本", "the register answers later; a new version will follow")
        elif code.outcome_class is OutcomeClass.PARTIAL_ANSWER:
            yield _note("partly_answered", about, "部分机构已反馈,仅为下限", "some institutions answered: a lower bound")
        elif code.outcome_class is OutcomeClass.STALE:
            yield _note("too_old", about, "数据过期,仅供参考,未计入", "too old: history only, not counted")
        else:
            yield _note("no_answer", about, "未取得有效反馈,不等于“无”", "no usable answer; this does not mean that there is nothing")


def _bounds(merged: Merged) -> Iterator[DataNote]:
    for name, figure in merged.figures.items():
        if not figure.complete:
            missing = sorted(figure.missing)
            yield _note("lower_bound", name, "仅为下限,缺少部分来源", "a lower bound: what is missing would narrow it", missing)


def _things(merged: Merged) -> Iterator[DataNote]:
    for home in merged.homes:
        yield from _of_home(home)
    for thing in merged.further:
        if thing.standing.counted and thing.share is None:
            yield _note("share_unknown", thing.key, "共有份额不明,金额最多为全部", "share unknown: the amount is anything up to the whole")
    encumbered: list[Asset[Any]] = [*merged.vehicles, *merged.homes]
    for asset in encumbered:
        yield from _encumbered(asset)
    for thing in merged.assets:
        if thing.standing.review:
            yield _note("under_review", thing.key, "待核,计与不计均在区间内", "to be looked into: the figures hold with it and without it")
        if thing.conflicts:
            yield _note("conflict", thing.key, "来源间不一致,采用在先者", "registers disagree; the first record is used")


def _of_home(home: Asset[RealProperty]) -> Iterator[DataNote]:
    counted, share = home.standing.counted, home.share
    if counted and share is not None and share < _HALF:
        yield _note("minority_share", home.key, "少数份额,仍计一套", "a minority share: it counts as one home all the same")
    if counted and home.presumed:
        yield _note("share_presumed", home.key, "共有份额不明,推定等额", "share not told: equal shares are presumed")
    if (counted or home.standing.review) and share is None:
        yield _note("share_unknown", home.key, "共有份额不明,面积最多为全部", "share unknown: the area is anything up to the whole")


def _encumbered(asset: Asset[Any]) -> Iterator[DataNote]:
    if asset.standing.counted and (asset.record.mortgaged or asset.record.seized):
        yield _note("encumbered", asset.key, "已抵押或查封,仍计入", "mortgaged or seized: it counts all the same")


def _note(code: Any, about: str, text_zh: str, text_en: str, missing: Sequence[str] = ()) -> DataNote:
    return {"code": code, "about": about, "text_zh": text_zh, "text_en": text_en, "missing": list(missing)}
