"""The full cross product: every outcome, at every source, required or left out. No gap is ever final or for a decision."""

from itertools import product

import pytest

from tests.households import HEADER, KINDS, NOW, SOURCES, answer, example_request, policy, report
from tests.records import CURRENT, car, company, contribution, fund, home, shares
from verify_service.bootstrap import installed_adapters
from verify_service.domain.amendment import GapClosure, Made, Officer
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.records import FurtherRecord, Record, Worth
from verify_service.domain.report import Report
from verify_service.verification.compose import compose
from verify_service.verification.merge import merge

REQUEST = example_request()
EITHER = frozenset({OutcomeCode.STALE, OutcomeCode.PARTIAL})
INSTALLED = {adapter.source.id: adapter.source for adapter in installed_adapters().values()}
PLAIN: dict[str, Record] = {
    "vehicle": car(),
    "property": home(),
    "securities": shares(1),
    "business_registration": company("investor"),
    "housing_fund": fund(480_000),
    "pension": contribution("110", 449_400, 800),
}
NO_GAP = {OutcomeCode.RECORDS, OutcomeCode.NO_RECORD, OutcomeCode.NOT_APPLICABLE, OutcomeCode.NOT_REQUIRED}
# Every outcome, each that may carry rows with them: old ones, and those that some institutions gave.
SAID = [(code, rows) for code in OutcomeCode for rows in (False, True) if rows is (code is OutcomeCode.RECORDS) or code in EITHER]


def _record(source: str) -> Record:
    """Return a record of the source; one that brings a kind of its own tells of a thing worth a fen."""
    kind = INSTALLED[source].kinds[0]
    return PLAIN.get(source) or FurtherRecord(kind=kind, source_key="one", status=CURRENT, fields={}, worth=Worth.of(1))


def _report(source: str, code: OutcomeCode, *, rows: bool, others_required: bool) -> Report:
    """Return the report in which father's cell of the source has this outcome; the others are answered, or all left out."""
    quiet = OutcomeCode.NO_RECORD if others_required else OutcomeCode.NOT_REQUIRED
    given = [answer(REQUEST, m.ref, name, quiet) for m in REQUEST.household.members for name in INSTALLED]
    told = answer(REQUEST, "father", source, [_record(source)] if rows else (), code=code)
    others = [a for a in given if (a.question.member, a.question.source) != ("father", source)]
    return report(REQUEST, [told, *others], sources=INSTALLED)


@pytest.mark.parametrize("source", INSTALLED)
def test_no_gap_is_final_or_usable_for_a_decision(source: str) -> None:
    for (code, rows), others_required in product(SAID, (True, False)):
        whole = _report(source, code, rows=rows, others_required=others_required)
        header, cell = whole["header"], next(c for c in whole["coverage"] if (c["member"], c["source"]) == ("father", source))
        where = (code, rows, others_required)
        assert (header["state"] == "final") == (code in NO_GAP), where
        assert (header["usable_for"] == "decision") == (code in NO_GAP), where
        assert whole["gaps"] == ([] if code in NO_GAP else [f"father:{source}"]), where
        assert cell["required"] == (code not in {OutcomeCode.NOT_APPLICABLE, OutcomeCode.NOT_REQUIRED}), where
        assert cell["is_fact"] == (code in {OutcomeCode.RECORDS, OutcomeCode.NO_RECORD}), where
        assert cell["records"] == rows, where


def test_the_product_is_full() -> None:
    assert {*KINDS, "deposits"} <= INSTALLED.keys()
    assert {code for code, _ in SAID} == set(OutcomeCode)
    assert {code for code, rows in SAID if rows} == {OutcomeCode.RECORDS, *EITHER}


def test_closing_gaps_never_makes_a_report_final() -> None:
    given = [answer(REQUEST, m.ref, name) for m in REQUEST.household.members for name in KINDS]
    given[0] = answer(REQUEST, "father", "vehicle", OutcomeCode.TIMEOUT)
    act = GapClosure(officer=Officer(name_or_id="fh-0003", office="示例"), reason="closed for a month", gaps=("father:vehicle",))
    rules = policy()
    whole = merge(REQUEST, given, policy=rules, sources=SOURCES)
    header = compose(REQUEST, whole, header=HEADER, policy=rules, sources=SOURCES, made=[Made(2, NOW, act)])["header"]
    assert (header["state"], header["usable_for"]) == ("final_with_gaps", "information")
