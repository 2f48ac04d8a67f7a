"""What a request must keep beyond its schema (domain reference C2): each rule once broken, with its place, and once kept."""

import json
from datetime import date
from typing import Any

import pytest

from tests.households import KINDS, example_request, id_number, policies
from verify_service.domain.organisation import credit_code_holds
from verify_service.domain.request import VerificationRequest

TODAY = date(2026, 11, 20)
F, M, C, G = range(4)  # father (the applicant), mother, child, grandmother
GUARDIAN = {"id_number": id_number("19600101").reveal(), "name": "示例·监护", "relation": "51", "basis": "court ruling"}
PROOF = {"method": "face", "score_bp": 9_870, "compared_at": "2026-11-16T09:00:00+08:00"}
DIVORCED = {"excluded": "divorced", "marital": "40", "marital_since": "2026-01-05"}
SUPPORT = {"household_size": 3, "household_income_fen": 1, "supported": ["grandmother"]}


def _broken(member: int = F, fields: dict[str, Any] | None = None, **parts: dict[str, Any]) -> set[tuple[str, str]]:
    """Change one member and parts of the example; return the broken rules with their place."""
    given = example_request().model_dump(mode="json")
    given["household"]["members"][member] |= fields or {}
    given["household"] |= parts.get("household", {})
    given["consents"][0] |= parts.get("consent", {})
    given["commission"] |= parts.get("commission", {})
    given |= parts.get("top", {})
    request = VerificationRequest.model_validate_json(json.dumps(given))
    found = request.violations(today=TODAY, sources=tuple(KINDS), regions=policies().regions, kinds={"deposit"})
    return {(v.pointer, v.rule) for v in found}


def test_the_example_keeps_every_rule() -> None:
    assert _broken() == set()


@pytest.mark.parametrize(("kind", "broken"), [("deposit", False), ("deposits", True)])
def test_an_amount_is_declared_of_a_kind_that_a_source_brings(kind: str, broken: bool) -> None:
    found = _broken(household={"declared_assets": {"further_fen": {kind: 1}}})
    assert found == ({("/household/declared_assets/further_fen", "known_kind")} if broken else set())


@pytest.mark.parametrize(
    ("member", "broken", "kept", "field", "rule"),
    [
        (M, {"birth": "1981-09-24"}, {"birth": "1981-09-23"}, "birth", "agrees_with_id"),
        (M, {"sex": "male"}, {"sex": "female"}, "sex", "agrees_with_id"),
        (M, {"relation": "98"}, {"relation": "97"}, "relation", "known_code"),
        (M, {"relation": "01"}, {"relation": "10"}, "relation", "applicant_is_self"),
        (F, {"relation": "02"}, {"relation": "01"}, "relation", "applicant_is_self"),
        (F, {"excluded": "prison"}, {}, "excluded", "applicant_counts"),
        (M, {"role": "supporter", "excluded": "prison"}, {"excluded": "prison"}, "excluded", "applicant_counts"),
        (M, {"excluded": "prison", "returned": "released"}, {"returned": "released"}, "returned", "excluded_or_returned"),
        (G, {"excluded": "deceased"}, {"excluded": "deceased", "died_on": "2026-11-20"}, "died_on", "deceased"),
        (G, {"died_on": "2026-11-20"}, {"excluded": "deceased", "died_on": "2026-11-20"}, "died_on", "deceased"),
        (G, {"excluded": "deceased", "died_on": "2026-11-21"}, {"excluded": "deceased", "died_on": "2026-11-18"}, "died_on", "not_future"),
        (M, {"marital_since": "2026-11-21"}, {"marital_since": "2026-11-20"}, "marital_since", "not_future"),
        (M, {"excluded": "divorced"}, DIVORCED, "marital_since", "divorced"),
        (M, {"disability_type": "4"}, {"disability_type": "4", "disability_level": 2}, "disability_level", "disability"),
        (M, {"support": SUPPORT}, {"role": "supporter", "support": SUPPORT}, "support", "supporter_only"),
        (G, {"relation": "12"}, {"relation": "52"}, "relation", "one_spouse"),
        (M, {"marital": "40"}, {"marital": "20"}, "marital", "spouses_are_married"),
    ],
)  # fmt: skip
def test_persons(member: int, broken: dict[str, Any], kept: dict[str, Any], field: str, rule: str) -> None:
    assert (f"/household/members/{member}/{field}", rule) in _broken(member, broken)
    assert (f"/household/members/{member}/{field}", rule) not in _broken(member, kept)


def test_a_supporter_supports_another_member() -> None:
    fields = {"role": "supporter", "support": SUPPORT | {"supported": ["mother", "nobody"]}}
    at = "/household/members/1/support/supported"
    assert _broken(M, fields) == {(f"{at}/0", "known_member"), (f"{at}/1", "known_member")}


APPRAISAL = {"about": "02 示A10001", "value_fen": 1, "appraiser": "示例价格认定中心", "day": "2026-11-20"}
SINGLE = {"mode": "single_person", "beneficiary": "grandmother", "ground": "severe_disability"}
DISEASE = SINGLE | {"ground": "serious_disease"}


@pytest.mark.parametrize(
    ("household", "grandmother", "broken"),
    [
        (SINGLE, {"disability_level": 2}, set()),
        (SINGLE, {"disability_level": 3}, {("/household/ground", "ground_agrees")}),
        (SINGLE, {"disability_level": 3, "disability_type": "6"}, set()),
        (SINGLE, {}, {("/household/ground", "ground_agrees")}),
        (DISEASE, {"serious_disease": True}, set()),
        (DISEASE, {}, {("/household/ground", "ground_agrees")}),
        (SINGLE | {"ground": "clergy_three_years_apart"}, {}, set()),
        (SINGLE | {"ground": None}, {"disability_level": 1}, {("/household/ground", "single_person")}),
        (DISEASE | {"beneficiary": None}, {}, {("/household/beneficiary", "single_person")}),
        (DISEASE | {"beneficiary": "aunt"}, {}, {("/household/beneficiary", "known_member")}),
        (DISEASE, {"serious_disease": True, "excluded": "prison"}, {("/household/beneficiary", "beneficiary_counts")}),
        (
            SINGLE | {"mode": "whole"},
            {"disability_level": 1},
            {("/household/beneficiary", "single_person"), ("/household/ground", "single_person")},
        ),
        ({"appraisals": [APPRAISAL]}, {}, set()),
        ({"appraisals": [APPRAISAL | {"day": "2026-11-21"}]}, {}, {("/household/appraisals/0/day", "not_future")}),
        ({"appraisals": [APPRAISAL, APPRAISAL]}, {}, {("/household/appraisals/1/about", "unique_appraisal")}),
        ({"head": "grandmother"}, {}, set()),
        ({"head": "aunt"}, {}, {("/household/head", "known_member")}),
        ({"residence_since": "2026-11-21"}, {}, {("/household/residence_since", "not_future")}),
    ],
)  # fmt: skip
def test_single_person_mode_and_head(household: dict[str, Any], grandmother: dict[str, Any], broken: set[tuple[str, str]]) -> None:
    assert _broken(G, grandmother, household=household) == broken


@pytest.mark.parametrize(
    ("broken", "kept", "field", "rule"),
    [
        ({"signed_on": "2026-11-21"}, {"signed_on": "2026-11-20"}, "signed_on", "not_future"),
        ({"valid_until": "2027-01-01"}, {"valid_until": "2027-01-01", "valid_rule": "fixed_date"}, "valid_until", "validity_rule"),
        (
            {"valid_until": "2026-11-15", "valid_rule": "fixed_date"},
            {"valid_until": "2026-11-16", "valid_rule": "fixed_date"},
            "valid_until",
            "period_order",
        ),
        (
            {"matter_ended": "2026-11-18", "valid_rule": "fixed_date", "valid_until": "2027-01-01"},
            {"matter_ended": "2026-11-18"},
            "matter_ended",
            "validity_rule",
        ),
        ({"signature_mode": "e_sign"}, {"signature_mode": "e_sign", "signing_proof": PROOF}, "signing_proof", "e_sign"),
        ({"signing_proof": PROOF}, {}, "signing_proof", "e_sign"),
        ({"guardian": GUARDIAN | {"id_number": id_number("20090101").reveal()}}, {"guardian": GUARDIAN}, "guardian/id_number", "adult"),
        ({"agent": GUARDIAN | {"id_number": id_number("20090101").reveal()}}, {"agent": GUARDIAN}, "agent/id_number", "adult"),
        (
            {"guardian": GUARDIAN | {"id_number": "990101197905120019"}},
            {"guardian": GUARDIAN},
            "guardian/id_number",
            "another_person",
        ),
        ({"member": "aunt"}, {}, "member", "known_member"),
        ({"number": "SQ-990101-2026-0102"}, {}, "number", "unique_number"),
        ({"sources": ["tarot"]}, {"sources": ["vehicle"]}, "sources/0", "known_source"),
        ({"sources": ["*", "vehicle"]}, {"sources": ["*"]}, "sources/0", "known_source"),
    ],
)
def test_consents(broken: dict[str, Any], kept: dict[str, Any], field: str, rule: str) -> None:
    places = {f"/consents/{i}/{field}" for i in range(2)}
    assert {(place, rule) for place in places} & _broken(consent=broken)
    assert not {(place, rule) for place in places} & _broken(consent=kept)


def _months(first: str, last: str) -> dict[str, Any]:
    return {"first": first, "last": last}


@pytest.mark.parametrize(
    ("top", "broken"),
    [
        ({"asset_as_of": "2026-11-20"}, set()),
        ({"asset_as_of": "2026-11-21"}, {("/asset_as_of", "not_future")}),
        ({"income_period": _months("2026-05", "2026-10")}, set()),
        ({"income_period": _months("2026-06", "2026-10")}, {("/income_period", "period_length")}),
        ({"income_period": _months("2025-10", "2026-10")}, {("/income_period", "period_length")}),
        ({"income_period": _months("2025-12", "2026-11")}, {("/income_period/last", "not_future")}),
        ({"income_period": _months("2026-10", "2026-09")}, {("/income_period/last", "period_order")}),
        ({"expenditure_period": _months("2026-10", "2026-10")}, set()),
        ({"expenditure_period": _months("2025-10", "2026-10")}, {("/expenditure_period", "period_length")}),
        ({"expenditure_period": _months("2026-11", "2026-11")}, {("/expenditure_period/last", "not_future")}),
        ({"region": "980000"}, {("/region", "known_region")}),
        ({"sources": ["vehicle", "vehicle"]}, {("/sources/1", "unique_source")}),
    ],
)
def test_clocks_and_scope(top: dict[str, Any], broken: set[tuple[str, str]]) -> None:
    assert _broken(top={"asset_as_of": "2026-11-20", **top}) == broken


def test_handler_and_reviewer_are_two_persons() -> None:
    same = {"staff_id": "jb-0017", "name": "钱经办"}
    assert _broken(commission={"handler": same, "reviewer": same}) == {("/commission/reviewer/staff_id", "two_persons")}


@pytest.mark.parametrize(
    ("code", "holds"), [("91350100M000100Y43", True), ("91350100M000100Y4Z", False), ("91350100M000100YI3", False), ("913501", False)]
)
def test_the_organisations_code(code: str, holds: bool) -> None:
    assert credit_code_holds(code) is holds
    if len(code) == 18:
        assert (("/commission/organisation_code", "gb_32100") in _broken(commission={"organisation_code": code})) is not holds
