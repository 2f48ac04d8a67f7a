from datetime import date
from pathlib import Path

import pytest

from tests.households import ROOT, policies, policy
from verify_service.domain.codes import Purpose
from verify_service.domain.policy import load_policies
from verify_service.errors import ConfigurationError, InvalidInput

PACK = (ROOT / "policies" / "990000.yaml").read_text(encoding="utf-8")


def _limits(region: str, purpose: str, day: date) -> dict[str, object]:
    rules = policy(region, purpose, day)
    return {line.code: rules.limit(line, "02", 4) for line in rules.programme.lines}


def test_lines_are_multiples_of_the_local_standard() -> None:
    limits = _limits("990101", "01", date(2026, 11, 19))
    assert (limits["income_dibao"], limits["income_edge"]) == (90_000, 135_000)
    assert limits["financial_assets"] == 24 * 90_000 * 4
    assert limits["vehicles"] == 0


def test_the_version_of_the_day_is_used() -> None:
    assert _limits("990101", "01", date(2025, 12, 31))["income_edge"] == 129_000
    assert policy("990101", "01", date(2025, 12, 31)).rules.version == "2025-1"
    assert policy("990101", "01", date(2026, 1, 1)).rules.version == "2026-1"


@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_purpose_has_lines(purpose: Purpose) -> None:
    assert policies().in_force("990101", purpose, date(2026, 11, 19)).programme.lines


@pytest.mark.parametrize(("region", "day"), [("990101", date(2024, 12, 31)), ("110101", date(2026, 11, 19))])
def test_without_rules_in_force_nothing_is_compared(region: str, day: date) -> None:
    with pytest.raises(InvalidInput) as raised:
        policies().in_force(region, Purpose.DIBAO, day)
    assert raised.value.violations[0].rule == "policy_in_force"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        (PACK.replace('multiple: "1.5"', "multiple: 1.5"), "multiple"),
        (PACK.replace("finding: INC-01", "finding: INC-99"), "finding is not a known code"),
        (PACK.replace("fixed: 0", "fixed: 0\n            standard: dibao_monthly"), "standard"),
        (PACK.replace("name: Example Province", "name: Example Province\nname: Another"), "duplicate keys"),
        (PACK.replace("    in_force_to: 2025-12-31\n", ""), "same day"),
        (PACK.replace('purposes: ["01", "02"]', 'purposes: ["01", "03"]'), "one programme only"),
        (PACK.replace("report_validity_days: 90", "report_validity_days: 90\n    surprise: 1"), "surprise"),
        (PACK.replace('region: "990000"', 'region: "980000"'), "called after its region"),
        ("region: [", "990000.yaml"),
    ],
    ids=["float", "finding", "limit", "duplicate", "overlap", "purpose", "unknown", "name", "yaml"],
)
def test_a_wrong_pack_stops_the_start(tmp_path: Path, wrong: str, says: str) -> None:
    (tmp_path / "990000.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=says) as raised:
        load_policies(tmp_path)
    assert "990000.yaml" in str(raised.value)


def test_no_pack_at_all_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no policy pack"):
        load_policies(tmp_path)


def test_a_region_belongs_to_one_pack(tmp_path: Path) -> None:
    (tmp_path / "990000.yaml").write_text(PACK, encoding="utf-8")
    (tmp_path / "980000.yaml").write_text(PACK.replace('region: "990000"', 'region: "980000"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="in two packs"):
        load_policies(tmp_path)
