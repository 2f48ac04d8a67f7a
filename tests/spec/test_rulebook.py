"""Every row of the rule tables, and that no rule and no code is without one."""

import pytest

from tests.households import ROOT
from tests.spec.rulebook import Case, cases, page, rules, run, said
from verify_service.domain.catalogue import CATALOGUE


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in cases()])
def test_row(case: Case) -> None:
    assert said(run(case), case.expected) == case.expected, case.given["case"]


def test_every_merge_rule_and_every_finding_has_a_table() -> None:
    assert set(rules()) == {f"M{n}" for n in range(1, 31)} | set(CATALOGUE)


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_finding_has_a_case_that_raises_it_and_one_that_does_not(code: str) -> None:
    expected = [case.expected for case in cases() if case.rule == code]
    assert any(code in e.get("findings", ()) for e in expected)
    assert any(code in e.get("no findings", ()) for e in expected)


def test_the_printed_rules_are_current() -> None:
    assert (ROOT / "docs" / "rules.md").read_text("utf-8") == page(), "make them again: python -m tests.spec.rulebook"
