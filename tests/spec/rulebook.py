"""The rules as tables that an officer can read (tests/spec/rules/*.yaml): run by tests, printed as docs/rules.md.

    python -m tests.spec.rulebook        writes docs/rules.md

A case is the example household of four (father, mother, child, grandmother) in which nothing is declared, every register
answers, and none has a record; the case says what is different, and what the report then says.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.households import (
    HEADER,
    ROOT,
    SOURCES,
    answer,
    example_request,
    person,
    policies,
    policy,
    source,
    without_income,
    worked_example,
)
from tests.records import CURRENT, car, company, contribution, fund, home, resident_pension, shares
from verify_service.bootstrap import installed_adapters
from verify_service.domain.catalogue import CATALOGUE
from verify_service.domain.codes import Role
from verify_service.domain.interval import Interval, Unit
from verify_service.domain.money import half_up, yuan
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.policy import UNITS, Policy, Rules
from verify_service.domain.policy.inherit import changed
from verify_service.domain.records import FurtherRecord, PersonFacts, Record
from verify_service.domain.report import Report
from verify_service.domain.request import VerificationRequest
from verify_service.sources.definition import Source
from verify_service.verification.compose import Header, compose
from verify_service.verification.fanout import settled
from verify_service.verification.merge import Merged, merge

FOLDER = Path(__file__).parent / "rules"
PLAIN: Mapping[str, Record] = {
    "car": car(),
    "home": home(),
    "shares": shares(0),
    "company": company("investor"),
    "fund": fund(480_000),
    "insured": contribution("110", 449_400, 800),
    "pension": resident_pension(),
    "told": FurtherRecord(source_key="person", status=CURRENT, kind="person", fields={}, person=PersonFacts()),
}
NAMED: Mapping[str, Mapping[str, Any]] = {
    "register of persons": {
        "kinds": ["person"],
        "further": {"person": {"title": "Register of persons", "title_zh": "人口登记", "section": "benefits"}},
    }
}
REGISTERS = {"car": "vehicle", "home": "property", "shares": "securities", "company": "business_registration", "fund": "housing_fund"}
_SAID = {
    "case",
    "expect",
    "base",
    "region",
    "purpose",
    "trigger",
    "request",
    "household",
    "members",
    "add",
    "rules",
    "sources",
    "as_of",
    "asked",
    "days",
}


@dataclass(frozen=True)
class Case:
    """One row of a table."""

    rule: str
    number: int
    given: Mapping[str, Any]

    @property
    def name(self) -> str:
        return f"{self.rule}.{self.number}"

    @property
    def expected(self) -> Mapping[str, Any]:
        expected: Mapping[str, Any] = self.given["expect"]
        return expected


@cache
def rules() -> Mapping[str, Mapping[str, Any]]:
    """Return every rule with its cases, merge rules first, as the files have them."""
    return {r["rule"]: r for name in ("merge", "findings") for r in yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8"))}


def cases() -> Iterator[Case]:
    """Return every row of every table."""
    for name, rule in rules().items():
        yield from (Case(name, n, given) for n, given in enumerate(rule["cases"], start=1))


def _request(given: Mapping[str, Any]) -> VerificationRequest:
    base = example_request() if given.get("base") == "worked example" else without_income(example_request())
    tree = base.model_dump(mode="json") | {name: given[name] for name in ("region", "purpose", "trigger") if name in given}
    tree = changed(tree, json.loads(json.dumps(given.get("request", {}), default=str)), keep_null=True)
    tree["household"] = changed(tree["household"], json.loads(json.dumps(given.get("household", {}), default=str)), keep_null=True)
    for ref, fields in given.get("members", {}).items():
        own = next(m for m in tree["household"]["members"] if m["ref"] == ref)
        own |= json.loads(json.dumps(fields, default=str))
    for i, more in enumerate(given.get("add", [])):
        fields = json.loads(json.dumps(more, default=str))
        role = Role(fields.pop("role", "member"))
        tree["household"]["members"].append(person(fields.pop("ref"), 40 + i, role, **fields))
    return VerificationRequest.model_validate_json(json.dumps(tree))


def _policy(given: Mapping[str, Any], request: VerificationRequest) -> Policy:
    found = policy(request.region, request.purpose.value)
    if "rules" not in given:
        return found
    tree = changed(found.rules.model_dump(mode="json"), given["rules"])
    whole = Rules.model_validate_json(json.dumps(tree))
    return replace(found, rules=whole, programme=whole.programmes[found.code])


def _record(told: Mapping[str, Any]) -> Record:
    (name, fields), *_ = told.items()
    plain = PLAIN[name]
    tree = plain.model_dump(mode="json") | json.loads(json.dumps(fields or {}, default=str))
    return type(plain).model_validate_json(json.dumps(tree))


def _answers(given: Mapping[str, Any], request: VerificationRequest, sources: Mapping[str, Source]) -> list[Answer]:
    as_of = given.get("as_of", {})
    base = {(a.question.member, a.question.source): a for a in _base(given, request)}
    made = []
    for ref in (m.ref for m in request.household.members):
        for name in sources:
            said = given.get(ref, {}).get(name)
            when = {"as_of": as_of[name]} if name in as_of else {}
            if said is None and (ref, name) in base:
                made.append(base[ref, name])
            else:
                told = OutcomeCode(said) if isinstance(said, str) else [_record(r) for r in said or []]
                made.append(_aged(given, answer(request, ref, name, told, **when)))
    return made


def _aged(given: Mapping[str, Any], told: Answer) -> Answer:
    """Hold an answer whose day is said against the limit of its source as shipped, on the day on which the case says it was asked."""
    name = told.question.source
    if "asked" not in given or name not in given["as_of"]:
        return told
    shipped, today = installed_adapters()[name].source, given["asked"]
    calendar = policies().calendar(shipped.region)
    return settled(shipped, [told.question], [told], [], today=today, calendar=calendar).answers[0]


def _base(given: Mapping[str, Any], request: VerificationRequest) -> list[Answer]:
    return worked_example(request) if given.get("base") == "worked example" else []


@dataclass(frozen=True)
class Outcome:
    """What came of a case."""

    merged: Merged
    report: Report


def run(case: Case) -> Outcome:
    """Merge and compose what the case gives."""
    request = _request(case.given)
    unknown = set(case.given) - _SAID - {m.ref for m in request.household.members}
    if unknown:
        raise ValueError(f"{case.name}: {unknown}")
    sources = {**SOURCES, **{name: source(name, tuple(f.pop("kinds")), **f) for name, f in _more_sources(case.given)}}
    rules_of = _policy(case.given, request)
    whole = merge(request, _answers(case.given, request, sources), policy=rules_of, sources=sources)
    return Outcome(whole, compose(request, whole, header=_header(case.given, rules_of), policy=rules_of, sources=sources))


def _header(given: Mapping[str, Any], rules_of: Policy) -> Header:
    days = given.get("days")
    return replace(HEADER, due_on=rules_of.due_on(days["accepted"]), concluded_on=days["concluded"]) if days else HEADER


def _more_sources(given: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    return ((name, dict(NAMED[facts] if isinstance(facts, str) else facts)) for name, facts in given.get("sources", {}).items())


def shown(figure: Interval, unit: Unit) -> str:
    """Write a figure as an officer reads it: yuan, pieces, square metres; `at least` where an answer is missing."""
    lower = _shown(figure.lower, unit)
    if figure.upper is None:
        return f"at least {lower}"
    return lower if figure.upper == figure.lower else f"{lower} to {_shown(figure.upper, unit)}"


def _shown(amount: Any, unit: Unit) -> str:
    if unit == "fen":
        return yuan(amount)
    return f"{half_up(amount * 100) / 1_000_000:.2f} m²" if unit == "cm2" else str(half_up(amount))


def said(outcome: Outcome, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the report says of everything that the case expects something of."""
    return {name: _say(outcome, name, asked[name]) for name in asked}


def _say(outcome: Outcome, name: str, asked: Any) -> Any:
    if name in UNITS:
        return shown(outcome.merged.figures[name], UNITS[name])
    return _SAYINGS[name](outcome.merged, outcome.report, asked)


def _codes(report: Report) -> set[str]:
    return {f["code"] for f in report["findings"]}


def _measured(finding: Any) -> str:
    lower, upper = (finding["measured"][f"{bound}_{finding['unit']}"] for bound in ("lower", "upper"))
    return shown(Interval(lower, upper, frozenset(finding["measured"]["missing"])), finding["unit"])


def _missing_of(report: Report, figure: str) -> list[str] | None:
    return next((n["missing"] for n in report["data_notes"] if n["code"] == "lower_bound" and n["about"] == figure), None)


_SAYINGS: Mapping[str, Callable[[Merged, Report, Any], Any]] = {
    "findings": lambda _, report, asked: [code for code in asked if code in _codes(report)],
    "measured": lambda _, report, asked: {f["code"]: _measured(f) for f in report["findings"] if f["code"] in asked},
    "no findings": lambda _, report, asked: [code for code in asked if code not in _codes(report)],
    "standing": lambda merged, _, __: [asset.standing.reason for asset in merged.assets],
    "share": lambda merged, _, __: [None if h.share is None else str(h.share) for h in merged.homes],
    "lines": lambda _, report, asked: {line["code"]: line["result"] for line in report["lines"] if line["code"] in asked},
    "income of": lambda merged, _, asked: {ref: shown(merged.income.members[ref].total, "fen") for ref in asked},
    "wage of": lambda merged, _, asked: {ref: shown(merged.income.members[ref].classes[0].counted, "fen") for ref in asked},
    "own income": lambda merged, _, __: merged.own and shown(merged.own.income.per_capita, "fen"),
    "state": lambda _, report, __: report["header"]["state"],
    "conflicts": lambda merged, _, __: sorted({field for asset in merged.assets for field in asset.conflicts}),
    "notes": lambda _, report, asked: [code for code in asked if code in {note["code"] for note in report["data_notes"]}],
    "no notes": lambda _, report, asked: [code for code in asked if code not in {note["code"] for note in report["data_notes"]}],
    "missing of": lambda _, report, asked: {figure: _missing_of(report, figure) for figure in asked},
    "persons": lambda merged, _, __: len(merged.counted),
}


def page() -> str:
    """Return docs/rules.md."""
    parts = [
        "# The rules, with cases\n",
        "Made from `tests/spec/rules/` by `python -m tests.spec.rulebook`; every row is run by the tests. Merge rules are those of",
        "domain reference C5, findings those of C6. A case starts from the example household of four persons, who declare nothing,",
        "while every register answers that it has no record (`base: worked example`: as in C5). The",
        "rules are those of 示例一市甲区 for 低保 unless `region` or `purpose` says otherwise. Money is in yuan, records give it in fen.",
    ]
    for name, rule in rules().items():
        parts += ["", f"## {name} {_title(name, rule)}", "", *_measure(name), "| case | given | the report says |", "|---|---|---|"]
        parts += [f"| {c.given['case']} | {_cell(_inputs(c.given))} | {_cell(c.expected)} |" for c in cases() if c.rule == name]
    return "\n".join(parts) + "\n"


def _title(name: str, rule: Mapping[str, Any]) -> str:
    kind = CATALOGUE.get(name)
    return f"{kind.text_zh}: {kind.text_en} ({kind.severity.value})" if kind else f"{rule['zh']}: {rule['en']}"


def _measure(name: str) -> list[str]:
    kind = CATALOGUE.get(name)
    return [f"Raised when: {kind.formula}. Rule {kind.rule}.", ""] if kind else []


def _inputs(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name not in {"case", "expect"}}


def _cell(value: Mapping[str, Any]) -> str:
    if not value:
        return "–"
    text = yaml.safe_dump(dict(value), default_flow_style=True, allow_unicode=True, sort_keys=False, width=10**6).strip()
    return f"`{text.removeprefix('{').removesuffix('}')}`".replace("|", "\\|")


if __name__ == "__main__":
    (ROOT / "docs" / "rules.md").write_text(page(), encoding="utf-8")
