"""When a report is final, what it may be used for, and that nothing else can be composed."""

from dataclasses import replace
from typing import Any

import jsonschema
import orjson
import pytest

from tests.households import HEADER, NOW, SOURCES, answers, example_request, merged, report, worked_example
from tests.records import car, contribution, home, joint_home
from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.domain.report import report_adapter, report_schema
from verify_service.signing.canonical import canonical_bytes
from verify_service.verification.compose import GapClosure, ReportOverreach, refuse_overreach

REQUEST = example_request()
SCHEMA = jsonschema.Draft202012Validator(report_schema())
CLOSURE = GapClosure("fh-0003", "the register is closed for a month", NOW)
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


def test_an_officer_closes_gaps_in_sight_of_all() -> None:
    header = replace(HEADER, closure=CLOSURE)
    whole = report(REQUEST, answers(REQUEST, father={"vehicle": OutcomeCode.TIMEOUT}), header)
    assert (whole["header"]["state"], whole["header"]["usable_for"]) == ("final_with_gaps", "information")
    assert whole["gaps"] == ["father:vehicle"]
    _validate(whole)


@pytest.mark.parametrize(("state", "usable_for"), [("partial", "decision"), ("final_with_gaps", "decision"), ("final", "information")])
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
