"""The full cross product: every outcome, at every source, required or left out. No gap is ever final or for a decision."""

from itertools import product

import pytest

from tests.households import HEADER, KINDS, NOW, SOURCES, answer, example_request, policy, report
from tests.records import car, company, contribution, fund, home, shares
from verify_service.domain.amendment import GapClosure, Made, Officer
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.records import Record
from verify_service.domain.report import Report
from verify_service.verification.compose import compose
from verify_service.verification.merge import merge

REQUEST = example_request()
PLAIN: dict[str, Record] = {
    "vehicle": car(),
    "property": home(),
    "securities": shares(1),
    "business_registration": company("investor"),
    "housing_fund": fund(480_000),
    "pension": contribution("110", 449_400, 800),
}
NO_GAP = {OutcomeCode.RECORDS, OutcomeCode.NO_RECORD, OutcomeCode.NOT_APPLICABLE, OutcomeCode.NOT_REQUIRED}


def _report(source: str, code: OutcomeCode, *, others_required: bool) -> Report:
    """Return the report in which father's cell of the source has this outcome; the others are answered, or all left out."""
    quiet = OutcomeCode.NO_RECORD if others_required else OutcomeCode.NOT_REQUIRED
    given = [answer(REQUEST, m.ref, name, quiet) for m in REQUEST.household.members for name in KINDS]
    said = [PLAIN[source]] if code is OutcomeCode.RECORDS else code
    place = next(i for i, a in enumerate(given) if (a.question.member, a.question.source) == ("father", source))
    return report(REQUEST, [*given[:place], answer(REQUEST, "father", source, said), *given[place + 1 :]])


@pytest.mark.parametrize("source", KINDS)
def test_no_gap_is_final_or_usable_for_a_decision(source: str) -> None:
    for code, others_required in product(OutcomeCode, (True, False)):
        whole = _report(source, code, others_required=others_required)
        header, cell = whole["header"], next(c for c in whole["coverage"] if (c["member"], c["source"]) == ("father", source))
        where = (code, others_required)
        assert (header["state"] == "final") == (code in NO_GAP), where
        assert (header["usable_for"] == "decision") == (code in NO_GAP), where
        assert whole["gaps"] == ([] if code in NO_GAP else [f"father:{source}"]), where
        assert cell["required"] == (code not in {OutcomeCode.NOT_APPLICABLE, OutcomeCode.NOT_REQUIRED}), where
        assert cell["is_fact"] == (code in {OutcomeCode.RECORDS, OutcomeCode.NO_RECORD}), where


def test_closing_gaps_never_makes_a_report_final() -> None:
    given = [answer(REQUEST, m.ref, name) for m in REQUEST.household.members for name in KINDS]
    given[0] = answer(REQUEST, "father", "vehicle", OutcomeCode.TIMEOUT)
    act = GapClosure(officer=Officer(name_or_id="fh-0003", office="示例"), reason="closed for a month", gaps=("father:vehicle",))
    rules = policy()
    whole = merge(REQUEST, given, policy=rules, sources=SOURCES)
    header = compose(REQUEST, whole, header=HEADER, policy=rules, sources=SOURCES, made=[Made(2, NOW, act)])["header"]
    assert (header["state"], header["usable_for"]) == ("final_with_gaps", "information")
