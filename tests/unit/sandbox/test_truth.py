"""Truth has the fields, units and codes of the domain records: all but what a register masks or decides can be a record as it stands."""

import dataclasses
import json
from datetime import date

import pytest

from verify_service.domain import records
from verify_service.sandbox.population import CAMPAIGN, COUNTIES, Population

DAY = date(2026, 11, 24)

# What the register adds when it answers: its key of the row, what it masks, when it was asked.
ADDED: dict[str, tuple[type[records.BaseRecord], dict[str, str | bool]]] = {
    "vehicles": (records.Vehicle, {"ownership": "person", "engine_no_last4": "1234"}),
    "homes": (records.RealProperty, {}),
    "securities": (
        records.SecuritiesTotal,
        {"opened": True, "result_flag": "1", "query_date": str(DAY), "one_code_masked": "18", "account_masked": "1"},
    ),
    "business_roles": (records.BusinessRole, {}),
    "fund_accounts": (records.FundAccount, {"account_masked": "1"}),
    "contributions": (records.SocialContribution, {}),
    "benefits": (records.PensionBenefit, {}),
}
MASKED = {
    "vehicles": {"engine_no", "certificate_no"},
    "securities": {"one_code", "account"},
    "fund_accounts": {"account"},
}


@pytest.fixture(scope="module")
def people():
    population = Population(4, DAY, CAMPAIGN)
    return [population.person(member) for i in range(1_500) for member in population.household(COUNTIES[i % len(COUNTIES)], i)]


@pytest.mark.parametrize("kind", ADDED)
def test_truth_can_be_a_record(people, kind):
    model, added = ADDED[kind]
    rows = [row for person in people for row in getattr(person, kind)]
    assert len(rows) > 50
    for row in rows:
        told = {name: value for name, value in dataclasses.asdict(row).items() if name not in MASKED.get(kind, ())}
        model.model_validate_json(json.dumps({"source_key": "row", **told, **added}, default=str))
