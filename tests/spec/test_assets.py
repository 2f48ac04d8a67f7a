"""What counts and what does not, as tables: each row is one thing that a register says."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from tests.households import SOURCES, answers, declaring, example_request, merged, person, report, source, with_members, without_income
from tests.records import CANCELLED, CURRENT, HISTORIC, car, company, home, joint_home, shares
from verify_service.domain.codes import Role
from verify_service.domain.identity import IdNumber
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.records import CoOwner, PresaleContract, Share, Transfer
from verify_service.domain.request import VerificationRequest

REQUEST = without_income(example_request())
FATHER, MOTHER = (REQUEST.household.members[i].id_number for i in (0, 1))
OTHER_UNIT = "990101001001GB00001F00019999"


def _codes(request: VerificationRequest = REQUEST, **said: Any) -> set[str]:
    return {f["code"] for f in report(request, answers(request, **said))["findings"]}


@pytest.mark.parametrize(
    ("fields", "counted", "reason", "finding"),
    [
        ({}, True, "counted", "VEH-01"),
        ({"status_letters": "GQ"}, True, "counted", "VEH-01"),
        ({"mortgaged": True, "seized": True, "status_letters": "K"}, True, "counted", "VEH-01"),
        ({"status_letters": "E"}, False, "cancelled", None),
        ({"status_letters": "GE"}, False, "cancelled", None),
        ({"status_letters": "M"}, False, "cancelled_by_force", None),
        ({"status_letters": "B"}, False, "transferred_out", None),
        ({"status_letters": "P"}, False, "scrapped", None),
        ({"status_letters": "C"}, False, "stolen", None),
        ({"status": HISTORIC}, False, "not_in_force", None),
        ({"status": CANCELLED}, False, "not_in_force", None),
        ({"ownership": "unit"}, False, "unit_owned", None),
        ({"disabled_use": True}, False, "exempt_disabled_use", "VEH-06"),
        ({"plate_type": "07"}, False, "exempt_motorcycle", "VEH-06"),
        ({"use_nature": "D"}, False, "business_asset", "VEH-03"),
    ],
)
def test_vehicles(fields: dict[str, Any], counted: bool, reason: str, finding: str | None) -> None:
    declared = declaring(REQUEST, vehicles=1)
    whole = report(declared, answers(declared, father={"vehicle": [car(**fields)]}))
    item = whole["property"]["vehicles"][0]
    assert (item["counted"], item["reason"]) == (counted, reason)
    assert whole["property"]["vehicles_total"]["lower_pieces"] == int(counted)
    assert {f["code"] for f in whole["findings"] if f["code"].startswith("VEH")} == ({finding} if finding else set())


def test_a_vehicle_without_vin_is_known_by_its_plate() -> None:
    twice = [car(vin=None), car(vin=None, brand="示例牌二")]
    assert merged(REQUEST, answers(REQUEST, father={"vehicle": twice})).figures["vehicles"].lower == 1


def test_more_vehicles_than_declared() -> None:
    declared = declaring(REQUEST, vehicles=1)
    assert "VEH-05" in _codes(declared, father={"vehicle": [car(), car(vin="LSVAA49J132047372", plate_no="示A10002")]})
    assert "VEH-05" not in _codes(declared, father={"vehicle": [car()]})


@pytest.mark.parametrize(("day", "found"), [(date(2025, 11, 20), True), (date(2025, 11, 19), False), (date(2026, 11, 20), True)])
def test_a_vehicle_given_away_in_the_lookback(day: date, found: bool) -> None:
    gone = car(status=HISTORIC, status_letters="B", transfers=(Transfer(day=day, direction="out"),))
    assert ("VEH-04" in _codes(father={"vehicle": [gone]})) is found


@pytest.mark.parametrize(
    ("said", "homes", "share"),
    [
        ({"father": [home()]}, 1, Fraction(1)),
        ({"father": [joint_home(MOTHER)], "mother": [joint_home(FATHER, "王示范")]}, 1, Fraction(1)),
        ({"father": [joint_home(MOTHER)]}, 1, Fraction(1)),
        ({"father": [joint_home(None)], "mother": [joint_home(None)]}, 1, Fraction(1)),
        ({"father": [joint_home(None, "某某")]}, 1, Fraction(1, 2)),
        ({"father": [home(co_ownership="joint", co_owners_known=False)]}, 1, None),
        ({"father": [home(co_ownership="shares", share=Share(numerator=1, denominator=3))]}, 1, Fraction(1, 3)),
        (
            {
                "father": [home(co_ownership="shares", share=Share(numerator=1, denominator=3))],
                "mother": [home(co_ownership="shares", share=Share(numerator=1, denominator=3))],
            },
            1,
            Fraction(2, 3),
        ),
        ({"father": [home(co_ownership="shares")]}, 1, None),
        ({"father": [home(status=HISTORIC)]}, 0, Fraction(1)),
        ({"father": [home(status=HISTORIC)], "mother": [home()]}, 1, Fraction(1)),
        ({"father": [home(residential=False, planned_use="commerce")]}, 0, Fraction(1)),
        ({"father": [home(), home(unit=OTHER_UNIT)]}, 2, Fraction(1)),
        ({"father": [home(unit=None, certificate_no="示证1"), home(certificate_no="示证1")]}, 1, Fraction(1)),
        ({"father": [home(unit=None), home(unit=None, building_area_cm2=868_000)]}, 1, Fraction(1)),
        ({"father": [home(unit=None), home(unit=None, building_area_cm2=900_000)]}, 2, Fraction(1)),
    ],
    ids=[
        "sole", "both spouses", "one spouse named", "numbers withheld", "with an outsider", "owners unknown", "a share", "two shares",
        "share unknown", "historic", "from husband to wife", "shop", "two", "old certificate", "same address", "other area",
    ],
)  # fmt: skip
def test_homes(said: dict[str, Any], homes: int, share: Fraction | None) -> None:
    whole = merged(REQUEST, answers(REQUEST, **{ref: {"property": rows} for ref, rows in said.items()}))
    assert whole.figures["homes"].lower == whole.figures["homes"].upper == homes
    assert whole.homes[0].share == share
    for bound, unknown in (("lower", 0), ("upper", 1)):  # M8: a share that is not told may be anything up to the whole
        area = sum(h.record.building_area_cm2 * (unknown if h.share is None else h.share) for h in whole.homes if h.standing.counted)
        assert getattr(whole.figures["home_area_per_capita"], bound) == Fraction(area) / 4


@pytest.mark.parametrize(
    ("row", "finding"),
    [
        (home(unit=OTHER_UNIT, residential=False, planned_use="garage"), "PRO-03"),
        (home(certificate_type="presale", presale=PresaleContract(contract_no="1", signed=date(2026, 1, 1), state="filed")), "PRO-04"),
        (home(status=HISTORIC, registration_reason="gift", right_ended=date(2026, 5, 1)), "PRO-05"),
        (home(region="980101"), "PRO-06"),
        (home(co_ownership="joint", co_owners_known=False), "PRO-07"),
        (home(building_area_cm2=2_000_000), "PRO-02"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_findings_about_homes(row: Any, finding: str) -> None:
    assert finding in _codes(father={"property": [row]})
    assert finding not in _codes(father={"property": [home()]})


def test_two_homes_are_over_the_line_and_not_all_declared() -> None:
    assert {"PRO-01", "PRO-08"} <= _codes(father={"property": [home(), home(unit=OTHER_UNIT)]})


def test_a_presale_with_its_later_certificate_is_one_home() -> None:
    contract = PresaleContract(contract_no="1", signed=date(2026, 1, 1), state="registered")
    rows = [home(certificate_type="presale", presale=contract), home(certificate_no="示证2")]
    whole = report(REQUEST, answers(REQUEST, father={"property": rows}))
    assert whole["property"]["homes_total"]["lower_pieces"] == 1
    assert "PRO-04" not in {f["code"] for f in whole["findings"]}


def test_a_cancelled_presale_is_no_home() -> None:
    contract = PresaleContract(contract_no="1", signed=date(2026, 1, 1), state="cancelled")
    row = home(certificate_type="presale", presale=contract)
    assert merged(REQUEST, answers(REQUEST, father={"property": [row]})).figures["homes"].lower == 0


def test_numbers_of_outsiders_are_withheld() -> None:
    outsider = IdNumber.parse("990101198001010014")
    row = home(co_ownership="joint", co_owners=(CoOwner(name="某某", id_number=outsider), CoOwner(name="李示例", id_number=MOTHER)))
    owners = report(REQUEST, answers(REQUEST, father={"property": [row]}))["property"]["homes"][0]["records"][0]["record"]["co_owners"]  # type: ignore[index]
    assert [o["id_number"] for o in owners] == [None, MOTHER.reveal()]


def test_one_company_in_three_roles_is_one_entity() -> None:
    rows = [company("legal_representative"), company("investor", 8_000_000), company("executive")]
    whole = report(REQUEST, answers(REQUEST, father={"business_registration": rows}))
    assert len(whole["property"]["businesses"]) == 1
    assert len(whole["property"]["businesses"][0]["records"]) == 3
    assert whole["property"]["business_capital_total"]["lower_fen"] == 8_000_000
    assert {f["code"] for f in whole["findings"]} == {"BUS-01", "BUS-02", "BUS-04"}


@pytest.mark.parametrize(("subscribed_fen", "over"), [(9_999_999, False), (10_000_000, True)])
def test_the_subscribed_line_is_below_not_at_most(subscribed_fen: int, over: bool) -> None:
    assert ("BUS-03" in _codes(father={"business_registration": [company("investor", subscribed_fen)]})) is over


@pytest.mark.parametrize(
    ("row", "counted", "findings"),
    [
        (company("investor", 1, registration_status="revoked"), True, {"BUS-02", "BUS-05"}),
        (company("investor", 1, registration_status="cancelled"), False, set()),
        (company("investor", 1, status=HISTORIC), False, set()),
        (company("legal_representative", name_borrow_claim=True), False, {"BUS-06"}),
        (company("cooperative_member", entity_type="cooperative"), False, {"BUS-07"}),
    ],
    ids=["revoked", "cancelled", "historic", "borrowed name", "cooperative"],
)
def test_entities(row: Any, counted: bool, findings: set[str]) -> None:
    given = answers(REQUEST, father={"business_registration": [row]})
    assert merged(REQUEST, given).businesses[0].standing.counted is counted
    assert {f["code"] for f in report(REQUEST, given)["findings"]} == findings


def test_foreign_capital_is_missing_not_zero() -> None:
    figure = merged(REQUEST, answers(REQUEST, father={"business_registration": [company("investor", 5, capital_currency="USD")]})).figures
    assert figure["business_capital"].to_json("fen") == {
        "lower_fen": 0, "upper_fen": None, "complete": False, "missing": ["father:business_registration"],
    }  # fmt: skip


def test_two_days_of_one_account_are_not_added() -> None:
    rows = [shares(100), shares(300, query_date=date(2026, 11, 18))]
    assert merged(REQUEST, answers(REQUEST, father={"securities": rows})).figures["financial_assets"].lower == 100


def test_an_empty_account_is_a_note_and_value_a_doubt() -> None:
    assert _codes(father={"securities": [shares(0)]}) == {"SEC-03"}
    assert _codes(father={"securities": [shares(5)]}) == {"SEC-01"}
    assert _codes(father={"securities": [shares(8_640_001)]}) == {"SEC-01", "SEC-02"}


def test_financial_assets_stay_open_while_no_register_tells_deposits() -> None:
    figure = merged(REQUEST, answers(REQUEST)).figures["financial_assets"]
    assert figure.upper is None
    assert figure.missing == {"*:deposit", "*:insurance"}


def test_what_a_supporter_has_stands_apart() -> None:
    request = with_members(example_request(), person("son", 7, Role.SUPPORTER, declared_income={"wage_fen": 10**9}))
    whole = report(request, answers(request, son={"vehicle": [car()], "property": [home()], "securities": [shares(10**8)]}))
    assert whole["household"]["counted_persons"] == 4
    assert whole["property"]["vehicles"][0]["reason"] == "not_of_the_household"
    assert whole["property"]["vehicles_total"]["lower_pieces"] == whole["property"]["homes_total"]["lower_pieces"] == 0
    assert whole["property"]["financial_assets_total"]["lower_fen"] == 0
    assert whole["income"]["total"]["lower_fen"] == 4_800_000 + 1_800_000 + 78_000


@pytest.mark.parametrize(
    ("code", "finding"),
    [
        (OutcomeCode.NAME_MISMATCH, "ID-02"),
        (OutcomeCode.AMBIGUOUS, "ID-03"),
        (OutcomeCode.PERSON_NOT_FOUND, "DAT-01"),
        (OutcomeCode.TRUNCATED, "DAT-04"),
        (OutcomeCode.STALE, "DAT-02"),
        (OutcomeCode.PENDING, "DAT-01"),
        (OutcomeCode.NO_CONSENT, "DAT-01"),
    ],
)
def test_a_cell_that_is_no_fact_says_so_and_attributes_nothing(code: OutcomeCode, finding: str) -> None:
    whole = report(REQUEST, answers(REQUEST, father={"vehicle": code}))
    assert [(f["code"], f["member"], f["source"]) for f in whole["findings"]] == [(finding, "father", "vehicle")]
    assert whole["gaps"] == ["father:vehicle"]
    assert whole["property"]["vehicles_total"]["missing"] == ["father:vehicle"]


def test_the_newer_register_is_believed_and_the_conflict_told() -> None:
    city = source("city_vehicle", ("vehicle",), level="city")
    sources = {**SOURCES, "city_vehicle": city}
    given = answers(REQUEST, sources, father={"vehicle": [car()], "city_vehicle": [car(status=HISTORIC)]})
    whole = report(REQUEST, given, sources=sources)
    assert len(whole["property"]["vehicles"]) == 1
    assert (whole["property"]["vehicles"][0]["counted"], whole["property"]["vehicles"][0]["conflicts"]) == (True, ["status"])
    assert "DAT-03" in {f["code"] for f in whole["findings"]}


def test_the_same_row_from_province_and_city_is_one_asset_without_conflict() -> None:
    sources = {**SOURCES, "city_vehicle": source("city_vehicle", ("vehicle",), level="city")}
    whole = report(REQUEST, answers(REQUEST, sources, father={"vehicle": [car()], "city_vehicle": [car(status=CURRENT)]}), sources=sources)
    assert whole["property"]["vehicles_total"]["lower_pieces"] == 1
    assert not {f["code"] for f in whole["findings"]} & {"DAT-03", "DAT-05"}
    assert len(whole["property"]["vehicles"][0]["records"]) == 2


def test_none_only_if_every_register_of_a_kind_says_none() -> None:
    sources = {**SOURCES, "city_vehicle": source("city_vehicle", ("vehicle",), level="city")}
    figure = merged(REQUEST, answers(REQUEST, sources, father={"city_vehicle": OutcomeCode.TIMEOUT}), sources=sources).figures["vehicles"]
    assert (figure.lower, figure.upper) == (0, None)
    assert figure.missing == {"father:city_vehicle"}


def test_one_register_giving_a_row_twice() -> None:
    assert "DAT-05" in _codes(father={"vehicle": [car(), car()]})
