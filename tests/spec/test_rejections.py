"""The fifteen things an expert would reject at once (domain reference C10): each test fails if we did it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from tests.households import SOURCES, answers, example_request, merged, person, policy, report, with_members, without_income, worked_example
from tests.records import HISTORIC, car, company, employee, fund, home, shares
from tests.spec.rulebook import Case, run
from verify_service.domain.codes import Role
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.records import BusinessRole, ContributedCapital, Disclosure
from verify_service.signing.canonical import canonical_bytes
from verify_service.verification.fanout import dedupe_key
from verify_service.verification.plan import Asker, Plan, plan

REQUEST = example_request()
QUIET = without_income(REQUEST)


def _of_another_company(role: BusinessRole) -> BusinessRole:
    return role.model_copy(update={"uscc": "91990101MA0000004M", "source_key": "other"})


def _plan(request: Any, at: datetime) -> Plan:
    return plan(request, asker=Asker("t", "v"), sources=SOURCES, connected=SOURCES, at=at)


def test_1_no_verdict() -> None:
    text = canonical_bytes(report(REQUEST, worked_example(REQUEST))).decode().lower()
    assert not [word for word in ("eligible", "approved", "rejected", "verdict", "符合条件", "不符合") if word in text]


def test_2_an_answer_that_did_not_come_is_not_none() -> None:
    whole = report(QUIET, answers(QUIET, **{m.ref: {"vehicle": OutcomeCode.TIMEOUT} for m in QUIET.household.members}))
    assert whole["property"]["vehicles_total"]["upper_pieces"] is None
    assert {c["outcome"] for c in whole["coverage"] if c["source"] == "vehicle"} == {"unavailable.timeout"}
    assert next(line for line in whole["lines"] if line["code"] == "vehicles")["result"] == "cannot_say"


def test_3_bases_are_never_added() -> None:
    father = merged(REQUEST, worked_example(REQUEST)).income.members["father"]
    assert [w.gross_fen for w in father.wages] == [12 * 480_000]
    both = answers(QUIET, father={"housing_fund": [fund(300_000)], "pension": employee(449_400)})
    assert [w.gross_fen for w in merged(QUIET, both).income.members["father"].wages] == [12 * 300_000]


def test_4_supporters_are_not_divided_by() -> None:
    before = merged(REQUEST, worked_example(REQUEST)).income.per_capita
    more = with_members(REQUEST, *(person(f"son{n}", 50 + n, Role.SUPPORTER) for n in range(4)))
    assert merged(more, worked_example(more)).income.per_capita == before


@pytest.mark.parametrize(("homes", "result"), [(1, "exceeds"), (2, "within")])
def test_5_limits_are_data(homes: int, result: str) -> None:
    lines = {"homes": {"fixed": homes}, "vehicles": {"fixed": homes}}
    given: Mapping[str, Any] = {
        "rules": {"programmes": {"dibao": {"lines": lines}}},
        "father": {
            "property": [{"home": {}}, {"home": {"unit_code": "990101001001GB00001F00019999"}}],
            "vehicle": [{"car": {}}, {"car": {"vin": "LSVAA49J132047372"}}],
        },
    }
    found = {line["code"]: line["result"] for line in run(Case("C10", 5, given)).report["lines"]}
    assert (found["homes"], found["vehicles"]) == (result, result)


def test_6_one_consent_does_not_speak_for_the_household() -> None:
    planned = _plan(example_request(consents=[c.model_dump(mode="json") for c in REQUEST.consents[:1]]), datetime(2026, 11, 24, tzinfo=UTC))
    assert {q.member for group in planned.asked.values() for q in group} == {"father"}
    assert {a.question.member for a in planned.unasked} == {"mother", "child", "grandmother"}


def test_7_a_consent_that_ended_since_the_request_came_permits_nothing() -> None:
    consents = [c.model_dump(mode="json") for c in REQUEST.consents]
    consents[0] |= {"revoked_at": "2026-11-24T03:00:00Z"}
    request = example_request(consents=consents)
    asked = [{q.member for g in _plan(request, datetime(2026, 11, 24, h, tzinfo=UTC)).asked.values() for q in g} for h in (2, 3)]
    assert asked[0] - asked[1] == {"father"}


def test_8_a_cancelled_car_and_a_historic_title_do_not_count() -> None:
    given = answers(QUIET, father={"vehicle": [car(status_letters="E")], "property": [home(status=HISTORIC)]})
    figures = merged(QUIET, given).figures
    assert (figures["vehicles"].upper, figures["homes"].upper) == (0, 0)


def test_9_one_flat_of_two_spouses_is_one() -> None:
    assert merged(QUIET, answers(QUIET, father={"property": [home()]}, mother={"property": [home()]})).figures["homes"].upper == 1


def test_10_what_is_rounded_is_never_compared() -> None:
    household = QUIET.model_dump(mode="json")["household"]
    household["members"][1]["declared_income"] = {"wage_fen": 4 * 12 * 135_000 + 1}
    request = example_request(household=household)
    whole = report(request, answers(request))
    assert whole["income"]["per_capita_monthly"]["lower_fen"] == 135_000
    assert next(line for line in whole["lines"] if line["code"] == "income_edge")["result"] == "exceeds"


def test_11_working_days_are_not_calendar_days() -> None:
    until = policy("990101").objection_until(date(2026, 9, 29))
    assert until == date(2026, 10, 12)  # 30 Sep, 8, 9, 10 (a Saturday worked in exchange), 12 Oct
    assert until != date(2026, 10, 4)


def test_12_a_flag_is_no_amount() -> None:
    flagged = shares(0, account="B", disclosure=Disclosure.FLAG)
    whole = report(QUIET, answers(QUIET, father={"securities": [shares(100), flagged]}))
    total = whole["property"]["financial_assets_total"]
    assert (total["lower_fen"], total["upper_fen"]) == (100, None)
    assert "father:securities" in total["missing"]


def test_13_subscribed_and_paid_in_are_not_mixed() -> None:
    one = company("investor", contribution=ContributedCapital(subscribed_fen=5_000_000, paid_in_fen=100))
    two = _of_another_company(one)
    for region, expected in (("990101", 10_000_000), ("990201", 200)):
        request = example_request(region=region)
        figure = merged(request, answers(request, father={"business_registration": [one, two]})).figures["business_capital"]
        assert (figure.lower, figure.upper) == (expected, expected)


def test_14_the_same_questions_are_handed_in_under_the_same_key() -> None:
    questions = [a.question for a in answers(QUIET, ["securities"])]
    assert dedupe_key(questions) == dedupe_key(list(questions))
    assert dedupe_key(questions) != dedupe_key([replace(questions[0], digest="0" * 64), *questions[1:]])


def test_15_numbers_hide_themselves_and_every_answer_has_its_day() -> None:
    numbers = [m.id_number.reveal() for m in REQUEST.household.members]
    given = worked_example(REQUEST)
    shown = repr(REQUEST) + repr(given) + str(REQUEST.household.members[0].id_number)
    assert not [number for number in numbers if number in shown]
    whole = orjson.loads(canonical_bytes(report(REQUEST, given)))
    assert all(cell["as_of"] and cell["feedback_at"] for cell in whole["coverage"])
    assert all(line["evidence"][0]["as_of"] for m in whole["income"]["members"] for line in m["wages"])
