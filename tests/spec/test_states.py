"""When a report is final, what it may be used for, and that nothing else can be composed."""

from dataclasses import replace
from typing import Any

import jsonschema
import orjson
import pytest

from tests.households import HEADER, NOW, SOURCES, answers, example_request, merged, report, worked_example
from tests.records import car, contribution, home, joint_home
from verify_service.domain.amendment import Amendment, GapClosure, Made, Officer, Resolution, Withdrawal
from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.domain.report import report_adapter, report_schema
from verify_service.signing.canonical import canonical_bytes
from verify_service.verification.compose import ReportOverreach, refuse_overreach

REQUEST = example_request()
SCHEMA = jsonschema.Draft202012Validator(report_schema())
OFFICER = Officer(name_or_id="fh-0003", office="示例一市甲区民政局")
NOT_BLOCKING = {OutcomeCode.NO_RECORD, OutcomeCode.RECORDS, OutcomeCode.NOT_APPLICABLE, OutcomeCode.NOT_REQUIRED}


def _said(code: OutcomeCode) -> Any:
    return [car()] if code is OutcomeCode.RECORDS else code


def _validate(whole: Any) -> None:
    tree = orjson.loads(canonical_bytes(whole))
    SCHEMA.validate(tree)
    report_adapter().validate_json(canonical_bytes(whole))


@pytest.mark.parametrize("code", list(OutcomeCode))
def test_final_exactly_when_every_required_cell_is_a_fact(code: OutcomeCode) -> None:
    whole = report(REQUEST, answers(REQUEST, father={"vehicle": _said(code)}))
    final = code in NOT_BLOCKING
    assert whole["header"]["state"] == ("final" if final else "partial")
    assert whole["header"]["usable_for"] == ("decision" if final else "information")
    assert whole["gaps"] == ([] if final else ["father:vehicle"])
    _validate(whole)


@pytest.mark.parametrize("code", list(OutcomeCode))
def test_only_a_fact_completes_a_figure(code: OutcomeCode) -> None:
    figure = merged(REQUEST, answers(REQUEST, father={"vehicle": _said(code)})).figures["vehicles"]
    assert figure.complete == (code.is_fact or code is OutcomeCode.NOT_APPLICABLE)


def test_a_source_left_out_does_not_block_but_leaves_its_figure_open() -> None:
    whole = report(REQUEST, answers(REQUEST, **{m.ref: {"vehicle": OutcomeCode.NOT_REQUIRED} for m in REQUEST.household.members}))
    assert whole["header"]["state"] == "final"
    assert whole["property"]["vehicles_total"]["upper_pieces"] is None
    assert {line["result"] for line in whole["lines"] if line["code"] == "vehicles"} == {"cannot_say"}


def test_a_source_that_was_never_asked_leaves_its_figure_open() -> None:
    whole = report(REQUEST, answers(REQUEST, [s for s in SOURCES if s != "vehicle"]))
    assert whole["property"]["vehicles_total"]["missing"] == ["child:vehicle", "father:vehicle", "grandmother:vehicle", "mother:vehicle"]


def test_a_stale_or_partial_answer_is_no_complete_knowledge() -> None:
    given = answers(REQUEST, father={"vehicle": [car()]})
    stale = [replace(a, outcome=replace(a.outcome, code=OutcomeCode.STALE)) if a.records else a for a in given]
    part = [replace(a, outcome=replace(a.outcome, code=OutcomeCode.PARTIAL, institutions=(27, 31))) if a.records else a for a in given]
    assert merged(REQUEST, stale).figures["vehicles"].lower == 0
    assert merged(REQUEST, part).figures["vehicles"].lower == 1
    assert merged(REQUEST, part).figures["vehicles"].upper is None
    _validate(report(REQUEST, part))


def _after(*amendments: Amendment) -> list[Made]:
    return [Made(version, NOW, amendment) for version, amendment in enumerate(amendments, 2)]


def _closure(*gaps: str) -> GapClosure:
    return GapClosure(officer=OFFICER, reason="the register is closed for a month", gaps=gaps)


WITHDRAWAL = Withdrawal(officer=OFFICER, reason="about the wrong household")
TIMEOUT = answers(REQUEST, father={"vehicle": OutcomeCode.TIMEOUT})


@pytest.mark.parametrize(
    ("done", "given", "state", "usable_for"),
    [
        ([], TIMEOUT, "partial", "information"),
        ([_closure("father:vehicle")], TIMEOUT, "final_with_gaps", "information"),
        ([_closure("father:vehicle", "mother:vehicle")], TIMEOUT, "final_with_gaps", "information"),
        ([_closure("mother:vehicle")], TIMEOUT, "partial", "information"),  # a gap that the officer never saw is not closed
        ([_closure("father:vehicle"), _closure("mother:vehicle")], TIMEOUT, "partial", "information"),  # the last word counts
        ([_closure("father:vehicle")], answers(REQUEST), "final", "decision"),  # a late answer filled it
        ([WITHDRAWAL], answers(REQUEST), "withdrawn", "nothing"),
        ([WITHDRAWAL, _closure("father:vehicle")], TIMEOUT, "withdrawn", "nothing"),
    ],
)
def test_state_follows_from_gaps_and_from_what_officers_did(done: list[Amendment], given: Any, state: str, usable_for: str) -> None:
    whole = report(REQUEST, given, made=_after(*done))
    assert (whole["header"]["state"], whole["header"]["usable_for"]) == (state, usable_for)
    assert whole["gaps"] == ([] if given is not TIMEOUT else ["father:vehicle"])
    assert len(whole["amendments"]) == len(done)
    _validate(whole)


def test_officer_reason_and_time_stand_in_the_signed_body() -> None:
    whole: Any = report(REQUEST, TIMEOUT, made=_after(_closure("father:vehicle")))
    said = {"officer": OFFICER.model_dump(), "reason": "the register is closed for a month", "at": "2026-11-24T10:00:00.000+08:00"}
    assert whole["header"]["closure"] == said
    withdrawn: Any = report(REQUEST, TIMEOUT, made=_after(WITHDRAWAL))
    assert withdrawn["header"]["withdrawal"] == said | {"reason": "about the wrong household"}


def test_resolution_is_carried_as_long_as_the_finding_stands() -> None:
    def resolved(state: Any) -> Resolution:
        return Resolution(officer=OFFICER, finding=finding, state=state, note="seen at the visit")

    finding = next(f["id"] for f in report(REQUEST, TIMEOUT)["findings"] if f["code"] == "DAT-01")
    explained: dict[str, Any] = {
        f["id"]: f for f in report(REQUEST, TIMEOUT, made=_after(resolved("open"), resolved("explained")))["findings"]
    }
    assert explained[finding]["state"] == "explained"
    assert explained[finding]["resolution"]["version"] == 3
    assert {f["state"] for name, f in explained.items() if name != finding} <= {"open"}
    later = report(REQUEST, answers(REQUEST), made=_after(resolved("confirmed")))
    assert finding not in {f["id"] for f in later["findings"]}
    assert len(later["amendments"]) == 1


def test_findings_have_names_of_their_own_that_say_nothing() -> None:
    more: Any = {"father": {"vehicle": [car()]}, "mother": {"vehicle": OutcomeCode.TIMEOUT}}
    findings = report(REQUEST, worked_example(REQUEST, **more))["findings"]
    assert len({f["id"] for f in findings}) == len(findings) > 2
    elsewhere = report(REQUEST, worked_example(REQUEST, **more), replace(HEADER, verification_id="another"))["findings"]
    assert not {f["id"] for f in findings} & {f["id"] for f in elsewhere}


@pytest.mark.parametrize(
    ("state", "usable_for"),
    [("partial", "decision"), ("final_with_gaps", "decision"), ("final", "information"), ("withdrawn", "decision"), ("final", "nothing")],
)
def test_no_other_combination_is_a_report(state: str, usable_for: str) -> None:
    whole: Any = report(REQUEST, answers(REQUEST, father={"vehicle": OutcomeCode.TIMEOUT}))
    whole["header"] |= {"state": state, "usable_for": usable_for}
    with pytest.raises(ReportOverreach):
        refuse_overreach(whole["header"], merged(REQUEST, answers(REQUEST, father={"vehicle": OutcomeCode.TIMEOUT})))
    assert not SCHEMA.is_valid(orjson.loads(canonical_bytes(whole)))


@pytest.mark.parametrize("given", [answers(REQUEST)[:-1], [*answers(REQUEST), answers(REQUEST)[0]]], ids=["none", "two"])
def test_every_question_has_exactly_one_outcome(given: Any) -> None:
    with pytest.raises(ValueError):
        merged(REQUEST, given)


def test_the_worked_example_is_a_report_of_its_own_schema() -> None:
    more: Any = {
        "father": {"property": [joint_home(None)], "vehicle": [car()]},
        "mother": {"property": [home()], "pension": [contribution("110", 900_000, 2000, employer=None, person_category="flexible")]},
    }
    _validate(report(REQUEST, worked_example(REQUEST, **more)))


def test_a_report_says_nowhere_who_is_eligible() -> None:
    words = {"eligible", "verdict", "rejected", "decision_result"}
    names = {name for definition in report_schema()["$defs"].values() for name in definition.get("properties", {})}
    assert not words & names
    assert not any(field.get("type") == "number" for d in report_schema()["$defs"].values() for field in d.get("properties", {}).values())


def test_coverage_comes_for_every_member_and_source() -> None:
    whole = report(REQUEST, answers(REQUEST))
    assert [(c["member"], c["source"]) for c in whole["coverage"]] == [
        (m.ref, s) for m in REQUEST.household.members for s in sorted(SOURCES)
    ]
    assert {c["outcome_class"] for c in whole["coverage"]} == {OutcomeClass.ANSWERED.value}
