from datetime import date, timedelta
from pathlib import Path

import pytest

from tests.households import ROOT, policies, policy
from verify_service.domain.codes import Purpose
from verify_service.domain.policy import Calendar, load_policies
from verify_service.errors import ConfigurationError, InvalidInput

PACK = (ROOT / "policies" / "990000.yaml").read_text(encoding="utf-8")


def _limits(region: str, purpose: str, day: date) -> dict[str, object]:
    rules = policy(region, purpose, day)
    return {code: rules.limit(line, "02", 4) for code, line in rules.programme.lines.items()}


def test_lines_are_multiples_of_the_local_standard() -> None:
    limits = _limits("990101", "01", date(2026, 11, 19))
    assert (limits["income_dibao"], limits["income_edge"]) == (90_000, 135_000)
    assert limits["financial_assets"] == 24 * 90_000 * 4
    assert limits["vehicles"] == 0


def test_the_version_of_the_day_is_used() -> None:
    assert _limits("990101", "01", date(2025, 12, 31))["income_edge"] == 129_000
    assert policy("990101", "01", date(2025, 12, 31)).version.version == "2025-1"
    assert policy("990101", "01", date(2026, 1, 1)).version.version == "2026-1"


def test_a_county_inherits_from_its_city_and_the_city_from_the_province() -> None:
    for day, support in ((date(2025, 6, 1), 4_200_000), (date(2026, 6, 1), 4_560_000)):
        county, city, other = (policy(region, "01", day).rules for region in ("990202", "990200", "990101"))
        assert county.deductions == city.deductions
        assert county.deductions.support is not None
        assert county.deductions.support.exempt_per_person_yearly_fen == support
        assert (county.deductions.employment_cost_applies, other.deductions.employment_cost_applies) == (True, False)
        assert other.deductions.support is None
        assert county.standards.dibao_monthly_fen == other.standards.dibao_monthly_fen
    assert policy("990202", "01", date(2026, 6, 1)).rules.standards.minimum_wage_monthly_fen == 190_000


def test_one_line_of_a_city_changes_and_the_others_stay() -> None:
    one, two = (policy(region, "03").programme.lines for region in ("990101", "990201"))
    assert (one["vehicle_value"].multiple, two["vehicle_value"].multiple) == ("144", "120")
    assert {code for code in one if one[code] != two[code]} == {"vehicle_value"}


@pytest.mark.parametrize("purpose", list(Purpose))
def test_every_purpose_has_lines(purpose: Purpose) -> None:
    assert policies().in_force("990101", purpose, date(2026, 11, 19)).programme.lines


@pytest.mark.parametrize(("region", "day"), [("990101", date(2024, 12, 31)), ("110101", date(2026, 11, 19))])
def test_without_rules_in_force_nothing_is_compared(region: str, day: date) -> None:
    with pytest.raises(InvalidInput) as raised:
        policies().in_force(region, Purpose.DIBAO, day)
    assert raised.value.violations[0].rule == "policy_in_force"


@pytest.mark.parametrize(
    ("day", "days", "end"),
    [
        (date(2026, 11, 24), 5, date(2026, 12, 1)),
        (date(2026, 9, 30), 1, date(2026, 10, 8)),
        (date(2026, 10, 8), 2, date(2026, 10, 10)),
        (date(2026, 2, 13), 1, date(2026, 2, 14)),
        (date(2026, 2, 14), 5, date(2026, 2, 28)),
    ],
    ids=["a weekend", "National Day", "a Saturday worked in exchange", "the Saturday before the Spring Festival", "the Spring Festival"],
)
def test_working_days_follow_the_notices(day: date, days: int, end: date) -> None:
    assert policies().versions[0].calendar.after(day, days) == end


# The State Council's notices of 2024-11-12 and 2025-11-04 as they are worded: spans that are off, and weekend days that are worked.
NOTICES = {
    2025: ("1/1-1/1 1/28-2/4 4/4-4/6 5/1-5/5 5/31-6/2 10/1-10/8", "1/26 2/8 4/27 9/28 10/11"),
    2026: ("1/1-1/3 2/15-2/23 4/4-4/6 5/1-5/5 6/19-6/21 9/25-9/27 10/1-10/7", "1/4 2/14 2/28 5/9 9/20 10/10"),
}


@pytest.mark.parametrize("year", NOTICES)
def test_every_day_of_the_calendar_is_as_the_notice_says(year: int) -> None:
    def day(text: str) -> date:
        month, number = map(int, text.split("/"))
        return date(year, month, number)

    spans, worked = NOTICES[year]
    off = [tuple(map(day, span.split("-"))) for span in spans.split()]
    exchanged = {day(text) for text in worked.split()}
    calendar = policies().versions[0].calendar
    for each in (date(year, 1, 1) + timedelta(days=n) for n in range(365)):
        is_off = any(first <= each <= last for first, last in off) or (each.weekday() >= 5 and each not in exchanged)
        assert calendar.is_working(each) is not is_off, each


def test_a_year_without_notice_has_its_weekends_off() -> None:
    assert [Calendar().is_working(date(2030, 10, day)) for day in range(4, 8)] == [True, False, False, True]


def test_objections_count_working_days_in_one_city_and_calendar_days_in_the_other() -> None:
    day = date(2026, 9, 30)
    assert policy("990101").objection_until(day) == date(2026, 10, 13)
    assert policy("990201").objection_until(day) == date(2026, 10, 7)


def _line(text: str, wrong: str) -> int:
    return text[: text.index(wrong)].count("\n") + 1


@pytest.mark.parametrize(
    ("right", "wrong", "at", "says"),
    [
        ('multiple: "1.5"', "multiple: 1.5", "multiple: 1.5", "multiple: Input should be a valid string"),
        ("finding: INC-01", "finding: INC-99", "", "finding is not a known code"),
        ("fixed: 0\n", "fixed: 0\n              standard: dibao_monthly\n", "", "a standard and a multiple"),
        ("name: Example Province", "name: Example Province\nname: Another", "region", "duplicate keys"),
        ("    in_force_to: 2025-12-31\n", "", "in_force_from: 2026-01-01", "same day"),
        ('purposes: ["01", "02"]', 'purposes: ["01", "03"]', "", "one programme only"),
        ("validity_days: 90", "validity_days: 90, surprise: 1", "surprise", "report.surprise: Extra inputs"),
        ('region: "990000"', 'region: "980000"', "region:", "called after its region"),
        ('based_on: "2025-1"', 'based_on: "2024-1"', 'based_on: "2024', "comes before it"),
        ('version: "2026-1"', 'version: "2025-1"', 'version: "2025-1"\n    in_force_from: 2026', "same name"),
        ('tekun_multiple: "1.3"', 'tekun_multiple: "1.29"', "standards:", "at least 1.3 times"),
        ("{over_fen: 3600000, rate_bp: 1000}", "{over_fen: 0, rate_bp: 1000}", "income_tax", "every step is over"),
        ('"990302": {name_zh: 示例三市庚县}', '"980302": {name_zh: 示例三市庚县}', '"980302"', "an area of the province"),
        ('"990301": {name_zh: 示例三市己区}', '"990301": {name_zh: 3}', '"990301": {name_zh: 3}', "name_zh: Input should be a"),
        ("objection_days: 7", "objection_days: 700", "objection_days: 700", "less than or equal to 366"),
        ('region: "990000"', "region: [", "", ""),
    ],
)  # fmt: skip
def test_a_wrong_pack_stops_the_start_with_file_line_and_rule(tmp_path: Path, right: str, wrong: str, at: str, says: str) -> None:
    assert right in PACK
    text = PACK.replace(right, wrong, 1)
    (tmp_path / "990000.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as raised:
        load_policies(tmp_path)
    place, _, rule = str(raised.value).partition("990000.yaml:")[2].partition(": ")
    assert says in rule
    if at:
        assert int(place) == _line(text, at)


def test_what_an_area_lacks_is_told_where_its_version_stands(tmp_path: Path) -> None:
    text = PACK.replace('"990300": {name_zh: 示例三市}', '"990300": {name_zh: 示例三市, standards: {tekun_multiple: null}}', 1)
    (tmp_path / "990000.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"standards\.tekun_multiple: Field required") as raised:
        load_policies(tmp_path)
    assert f"990000.yaml:{_line(text, 'tekun_multiple: null')}: " in str(raised.value)


def test_no_pack_at_all_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no policy pack"):
        load_policies(tmp_path)


def test_a_pack_speaks_of_its_own_province_only(tmp_path: Path) -> None:
    (tmp_path / "990000.yaml").write_text(PACK, encoding="utf-8")
    (tmp_path / "980000.yaml").write_text(PACK.replace('region: "990000"', 'region: "980000"'), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="an area of the province"):
        load_policies(tmp_path)


def test_two_areas_with_one_set_of_rules_differ_in_their_digest_by_the_name_alone() -> None:
    version = policy("990101").version
    assert version.digests["990101"] != version.digests["990102"]
    assert version.digests == load_policies(ROOT / "policies").versions[-1].digests
