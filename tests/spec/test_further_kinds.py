"""Kinds that sources bring: joint ownership (M8), amounts that are not told (M15), partial answers (M3), findings."""

from typing import Any

import pytest
from pydantic import ValidationError

from tests.households import SOURCES, answer, answers, example_request, id_number, merged, report, source
from tests.records import CANCELLED, CURRENT
from verify_service.bootstrap import installed_adapters
from verify_service.bulk.columns import columns
from verify_service.domain.household import DeclaredAssets
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.records import UNTOLD, FurtherRecord, PersonFacts, Relative, Share, Worth
from verify_service.domain.report import report_adapter
from verify_service.signing.canonical import canonical_bytes
from verify_service.sources.definition import Source
from verify_service.verification.diff import changes
from verify_service.verification.further import further_kinds

REQUEST = example_request()
FACTS: dict[str, Any] = {
    "further": {"gold": {"title": "Gold", "title_zh": "黄金", "section": "property", "figure": "financial_assets"}},
    "findings": {
        "GLD-01": {"severity": "L", "text_zh": "超限", "text_en": "over", "rule": "M15"},
        "GLD-02": {"severity": "Q", "text_zh": "部分未反馈", "text_en": "some silent", "rule": "M3", "raised_by": "partial_answer"},
    },
}
VAULT = source("vault", ("gold",), **FACTS)
ALL = {
    **SOURCES,
    "vault": VAULT,
    "served": source("served", ("insurance", "deposit"), further=dict.fromkeys(("insurance", "deposit"), FACTS["further"]["gold"])),
}


def gold(fen: int | None, key: str = "bar 1", **fields: Any) -> FurtherRecord:
    """Build a bar of gold, its worth told or not."""
    given: dict[str, Any] = {"source_key": key, "status": CURRENT, "kind": "gold", "fields": {"vault": "示例金库"}}
    return FurtherRecord(**(given | {"worth": UNTOLD if fen is None else Worth.of(fen)} | fields))


def said(**by_member: Any) -> list[Answer]:
    return answers(REQUEST, tuple(ALL), **{ref: {"vault": given} for ref, given in by_member.items()})


def assets(**by_member: Any) -> Any:
    return merged(REQUEST, said(**by_member), ALL).figures["financial_assets"]


def test_amounts_add_to_the_figure_exactly() -> None:
    figure = assets(father=[gold(100), gold(23, "bar 2")], mother=[gold(1000)])
    assert (figure.lower, figure.upper, figure.missing) == (1123, 1123, frozenset())


def test_a_joint_thing_counts_once_when_all_its_holders_are_of_the_household() -> None:
    assert assets(father=[gold(1000, holders=2)], mother=[gold(1000, holders=2)]).upper == 1000


def test_a_holder_elsewhere_keeps_an_equal_part_or_the_share_that_is_told() -> None:
    assert assets(father=[gold(1000, holders=4)]).upper == 250
    assert assets(father=[gold(1000, holders=2, share=Share(numerator=1, denominator=5))]).upper == 200


def test_holders_that_nobody_tells_make_an_interval_and_a_note() -> None:
    figure = assets(father=[gold(1000, holders=None)])
    assert (figure.lower, figure.upper, figure.missing) == (0, 1000, {"father:vault"})
    notes = report(REQUEST, said(father=[gold(1000, holders=None)]), sources=ALL)["data_notes"]
    assert ("share_unknown", "bar 1") in {(note["code"], note["about"]) for note in notes}


def test_an_amount_that_is_not_told_makes_a_lower_bound_however_complete_the_answers() -> None:
    figure = assets(father=[gold(None)], mother=[gold(70)])
    assert (figure.lower, figure.upper, figure.missing) == (70, None, {"father:vault"})


def test_a_closed_account_counts_nothing_whatever_it_says() -> None:
    assert assets(father=[gold(1000, status=CANCELLED)]).upper == 0


def test_registers_that_differ_by_more_than_a_yuan_contradict_each_other() -> None:
    other = {**ALL, "branch": source("branch", ("gold",), level="city", **FACTS)}
    for fen, conflicts in ((1100, set()), (1101, {"worth"})):
        given = answers(REQUEST, tuple(other), father={"vault": [gold(1000)], "branch": [gold(fen)]})
        whole = merged(REQUEST, given, other)
        assert set(whole.further[0].conflicts) == conflicts
        assert whole.figures["financial_assets"].upper == 1000


def test_some_institutions_only_make_a_lower_bound_that_waits() -> None:
    given = [a for a in said() if (a.question.member, a.question.source) != ("father", "vault")]
    partial = answer(REQUEST, "father", "vault", OutcomeCode.PARTIAL, institutions=(27, 31))
    given.append(Answer(partial.question, partial.outcome, (gold(500),)))
    whole = report(REQUEST, given, sources=ALL)
    assert whole["header"]["state"] == "partial"
    assert whole["gaps"] == ["father:vault"]
    total = whole["property"]["financial_assets_total"]
    assert (total["lower_fen"], total["upper_fen"], total["missing"]) == (500, None, ["father:vault"])
    assert [(f["code"], f["severity"]) for f in whole["findings"] if f["source"] == "vault"] == [("GLD-02", "Q")]
    assert ("partly_answered", "father:vault") in {(n["code"], n["about"]) for n in whole["data_notes"]}


@pytest.mark.parametrize(
    ("declared", "found", "code"),
    [
        pytest.param(899, gold(1000), "DEC-01", id="a tenth and a fen more than declared"),
        pytest.param(900, gold(1000), None, id="just a tenth more"),
        pytest.param(1000, gold(899), "DEC-02", id="a tenth and a fen less"),
        pytest.param(1000, gold(900), None, id="just a tenth less"),
        pytest.param(1000, gold(None), None, id="a flag tells no amount, so nothing is surely less"),
        pytest.param(0, gold(1), "DEC-01", id="declared none"),
    ],
)
def test_declared_amount_of_a_further_kind_is_compared_with_the_one_found(declared: int, found: FurtherRecord, code: str | None) -> None:
    said_assets = DeclaredAssets(further_fen={"gold": declared})
    request = REQUEST.model_copy(update={"household": REQUEST.household.model_copy(update={"declared_assets": said_assets})})
    whole = report(request, said(father=[found]), sources=ALL)
    told = [f for f in whole["findings"] if f["code"].startswith("DEC-") and f["about"] == "gold"]
    assert [f["code"] for f in told] == ([] if code is None else [code])
    shown: Any = whole["property"]["declared"]
    assert shown["further_fen"] == {"gold": declared}
    assert all(f["line"] == declared and f["evidence"] for f in told)


def test_what_is_not_declared_of_a_further_kind_is_not_compared() -> None:
    whole = report(REQUEST, said(father=[gold(1000)]), sources=ALL)
    assert not [f for f in whole["findings"] if f["about"] == "gold"]


def test_difference_tells_a_corrected_amount_by_its_kind() -> None:
    def issued(fen: int) -> Any:
        household = REQUEST.household.model_copy(update={"declared_assets": DeclaredAssets(further_fen={"gold": fen})})
        return report(REQUEST.model_copy(update={"household": household}), said(), sources=ALL)

    told = changes(issued(1), issued(2))["declared"]
    assert [(c["place"], c["from"], c["to"]) for c in told] == [("/property/declared/further_fen/gold", 1, 2)]


def test_a_table_has_a_column_for_every_kind_of_asset_that_a_source_brings_and_no_other() -> None:
    assets = {
        kind
        for kind, facts in further_kinds(adapter.source for adapter in installed_adapters().values()).items()
        if facts.figure is not None
    }
    found = {name: form for name, form in columns().items() if "further_fen" in name}
    assert found == {f"household.declared_assets.further_fen.{kind}": "whole" for kind in assets}
    assert "deposit" in assets


def test_silence_leaves_room_for_what_was_declared() -> None:
    request = REQUEST.model_copy(
        update={"household": REQUEST.household.model_copy(update={"declared_assets": DeclaredAssets(further_fen={"gold": 1000})})}
    )
    whole = report(request, said(father=OutcomeCode.TIMEOUT), sources=ALL)
    assert not [f for f in whole["findings"] if f["about"] == "gold"]


def test_a_row_raises_the_codes_of_its_source_and_an_unexplained_one_is_a_doubt_about_the_format() -> None:
    whole = report(REQUEST, said(father=[gold(1, findings=("GLD-01", "GLD-99"))]), sources=ALL)
    raised = [(f["code"], f["severity"], f["member"], f["about"]) for f in whole["findings"] if f["source"] == "vault"]
    assert raised == [("GLD-01", "L", "father", "father bar 1"), ("DAT-04", "Q", "father", "father bar 1")]


def test_a_finding_of_a_source_says_what_is_compared_and_who_can_clear_it_up() -> None:
    own = {**FACTS["findings"]["GLD-01"], "formula": "weight > 0", "resolver": "home_visit"}
    explained = {**ALL, "vault": source("vault", ("gold",), **{**FACTS, "findings": {"GLD-01": own}})}
    whole = report(REQUEST, said(father=[gold(1, findings=("GLD-01",))]), sources=explained)
    assert [(f["formula"], f["resolver"]) for f in whole["findings"] if f["code"] == "GLD-01"] == [("weight > 0", "home_visit")]


def test_relatives_whom_a_register_knows_are_told_without_their_numbers() -> None:
    number = id_number("19600102", 3)
    row = gold(1, person=PersonFacts(relatives=(Relative(relation="51", id_number=number),)))
    whole = report(REQUEST, said(father=[row]), sources=ALL)
    assert [f["member"] for f in whole["findings"] if f["code"] == "MEM-05"] == ["father"]
    assert number.reveal().encode() not in canonical_bytes(whole)
    assert b'"relatives":[{"id_number":null,"relation":"51"}]' in canonical_bytes(whole)
    report_adapter().validate_json(canonical_bytes(whole))


def test_a_row_that_says_nothing_of_the_person_has_no_place_for_it_in_a_report() -> None:
    assert b'"person":' not in canonical_bytes(report(REQUEST, said(father=[gold(1)]), sources=ALL))


@pytest.mark.parametrize("kind", ["vehicle", "Gold", "g"])
def test_a_built_in_kind_keeps_its_model(kind: str) -> None:
    with pytest.raises(ValidationError):
        gold(1, kind=kind)


@pytest.mark.parametrize("value", [1.5, {"a": [1.0]}, 2**53])
def test_a_field_is_never_a_float_or_larger_than_json_carries(value: Any) -> None:
    with pytest.raises(ValidationError):
        gold(1, fields={"a": value})


@pytest.mark.parametrize(
    "change", [{"kinds": ("gold", "silver")}, {"kinds": ("vehicle",)}, {"findings": {"VEH-01": FACTS["findings"]["GLD-01"]}}]
)
def test_a_source_explains_every_kind_and_no_code_twice(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Source.model_validate(VAULT.model_dump() | change)
