"""Each finding about income once raised, and once narrowly not."""

from datetime import date
from typing import Any

import pytest

from tests.households import answers, declaring, example_request, person, report, with_members, worked_example
from tests.records import EMPLOYER, contribution, employee, fund, home, resident_pension
from verify_service.domain.codes import Role
from verify_service.domain.findings import CATALOGUE
from verify_service.domain.records import FundLoan, FundWithdrawal
from verify_service.domain.report.income import FindingLine

REQUEST = declaring(example_request(), vehicles=0)  # as found
FLEXIBLE: Any = {"employer": None, "person_category": "flexible"}
OLD: Any = {"benefit_type": "employee_pension", "basic_fen": None}


def _found(**said: Any) -> list[FindingLine]:
    said["father"] = {"property": [home()]} | said.get("father", {})
    return report(REQUEST, worked_example(REQUEST, **said))["findings"]


def _grandmother(**said: Any) -> dict[str, Any]:
    return {"grandmother": said}


def _loan(state: Any) -> FundLoan:
    return FundLoan(
        bank="示例银行", amount_fen=1, term_months=12, granted=date(2020, 1, 1), monthly_repayment_fen=1, outstanding_fen=1, state=state
    )


def _withdrawal(amount_fen: int, day: date) -> FundWithdrawal:
    return FundWithdrawal(day=day, amount_fen=amount_fen, reason="rent")


@pytest.mark.parametrize(
    ("code", "raised", "not_raised"),
    [
        ("INC-03", {"father": {"pension": employee(383_999)}}, {"father": {"pension": employee(384_000)}}),
        (
            "INC-04",
            {"father": {"housing_fund": (), "pension": [contribution("110", 300_000, 800, base_at_floor=True)]}},
            {"father": {"pension": [contribution("110", 300_000, 800, base_at_floor=True)]}},
        ),
        (
            "FUN-01",
            {"grandmother": {"housing_fund": [fund(100_000)]}},
            {"grandmother": {"housing_fund": [fund(100_000, remit_state="stopped")]}},
        ),
        (
            "FUN-02",
            {"father": {"housing_fund": [fund(480_000, withdrawals=(_withdrawal(2_160_001, date(2025, 11, 20)),))]}},
            {
                "father": {
                    "housing_fund": [
                        fund(480_000, withdrawals=(_withdrawal(2_160_000, date(2026, 1, 1)), _withdrawal(10**9, date(2025, 11, 19))))
                    ]
                }
            },
        ),
        (
            "SOC-01",
            {"grandmother": {"pension": employee(300_000)}},
            {"grandmother": {"pension": [contribution("110", 1, 0, state="ended")]}},
        ),
        (
            "SOC-02",
            {"mother": {"pension": [contribution("110", 720_001, 2000, **FLEXIBLE)]}},
            {"mother": {"pension": [contribution("110", 720_000, 2000, **FLEXIBLE)]}},
        ),
        (
            "SOC-03",
            {"father": {"pension": [*employee(449_400), contribution("110", 449_400, 800, region="990200")]}},
            {"father": {"pension": [*employee(449_400), contribution("110", 449_400, 800, region="990200", state="ended")]}},
        ),
        ("PEN-01", {"father": {"pension": [resident_pension()]}}, {"grandmother": {"pension": [resident_pension()]}}),
        (
            "PEN-02",
            {"father": {"pension": [*employee(449_400), resident_pension(**OLD)]}},
            {"father": {"pension": [*employee(449_400), resident_pension(payment_state="ended", **OLD)]}},
        ),
        (
            "PEN-03",
            {"grandmother": {"pension": [resident_pension(payment_state="paused")]}},
            {"grandmother": {"pension": [resident_pension()]}},
        ),
        (
            "PEN-04",
            {"grandmother": {"pension": [resident_pension(), resident_pension(**OLD)]}},
            {"grandmother": {"pension": [resident_pension(), resident_pension(benefit_type="survivor")]}},
        ),
        ("DEC-01", {"grandmother": {"pension": [resident_pension(23_523)]}}, {"grandmother": {"pension": [resident_pension(23_522)]}}),
        ("DEC-02", {"grandmother": {"pension": [resident_pension(22_149)]}}, {"grandmother": {"pension": [resident_pension(22_150)]}}),
    ],
)
def test_raised_and_narrowly_not(code: str, raised: dict[str, Any], not_raised: dict[str, Any]) -> None:
    found = [f for f in _found(**raised) if f["code"] == code]
    assert len(found) == 1
    assert (found[0]["severity"], found[0]["text_zh"]) == (CATALOGUE[code].severity.value, CATALOGUE[code].text_zh)
    assert code not in {f["code"] for f in _found(**not_raised)}


@pytest.mark.parametrize(("state", "homes", "raised"), [("repaying", 0, True), ("settled", 0, False), ("repaying", 1, False)])
def test_a_housing_loan_without_a_declared_home(state: str, homes: int, raised: bool) -> None:
    household = REQUEST.household.model_dump(mode="json")
    household["declared_assets"]["homes"] = homes
    request = example_request(household=household)
    given = worked_example(request, father={"property": [home()], "housing_fund": [fund(480_000, loans=(_loan(state),))]})
    assert ("FUN-03" in {f["code"] for f in report(request, given)["findings"]}) is raised


def test_findings_name_the_answers_they_rest_on() -> None:
    finding = next(f for f in _found(father={"pension": employee(100_000)}) if f["code"] == "INC-03")
    assert len(finding["evidence"]) == 2
    assert (finding["member"], finding["about"], finding["line"]) == ("father", EMPLOYER, 100_000)
    assert finding["measured"] == {"lower_fen": 480_000, "upper_fen": 480_000, "complete": True, "missing": []}


def test_findings_come_by_severity() -> None:
    found = _found(father={"pension": employee(100_000)}, grandmother={"pension": [resident_pension(payment_state="paused")]})
    assert [f["severity"] for f in found] == sorted((f["severity"] for f in found), key="LDQI".index)


def test_nothing_is_said_about_what_a_supporter_earns() -> None:
    request = with_members(REQUEST, person("son", 7, Role.SUPPORTER))
    given = answers(request, son={"housing_fund": [fund(900_000)], "pension": [*employee(100_000), resident_pension(**OLD)]})
    assert not [f for f in report(request, given)["findings"] if f["member"] == "son"]
