"""A difference names what changed and nothing else, for any two reports of one household."""

import copy
from typing import Any

import jsonschema
import orjson
from hypothesis import given
from hypothesis import strategies as st

from tests.households import KINDS, answers, example_request, report
from tests.records import car, fund, home
from verify_service.domain.difference import difference_schema
from verify_service.domain.outcome import OutcomeCode
from verify_service.signing.canonical import canonical_bytes
from verify_service.verification.diff import changes, difference

REQUEST = example_request()
MEMBERS = [m.ref for m in REQUEST.household.members]
CELLS = [(member, source) for member in MEMBERS for source in KINDS]
FOUND: dict[str, Any] = {"vehicle": [car()], "property": [home()], "housing_fund": [fund(480_000)]}
SCHEMA = jsonschema.Draft202012Validator(difference_schema())
NOTHING = {"cells": [], "figures": [], "declared": [], "items": [], "lines": [], "findings": {"added": [], "removed": [], "changed": []}}

Said = dict[tuple[str, str], Any]
said = st.dictionaries(
    st.sampled_from(CELLS),
    st.sampled_from(["found", OutcomeCode.TIMEOUT, OutcomeCode.PERSON_NOT_FOUND, OutcomeCode.NO_CONSENT, OutcomeCode.CANCELLED]),
    max_size=6,
)


def body(given: Said) -> Any:
    by_member: dict[str, dict[str, Any]] = {member: {} for member in MEMBERS}
    for (member, source), what in given.items():
        by_member[member][source] = FOUND.get(source, ()) if what == "found" else what
    return orjson.loads(canonical_bytes(report(REQUEST, answers(REQUEST, **by_member))))


@given(said)
def test_a_report_does_not_differ_from_itself(one: Said) -> None:
    found: Any = changes(body(one), body(one))
    assert {name: found[name] for name in NOTHING} == NOTHING
    assert all(found[name]["from"] == found[name]["to"] for name in ("state", "usable_for", "policy", "gaps"))


@given(said, said)
def test_exactly_the_cells_whose_outcome_changed_are_named(one: Said, two: Said) -> None:
    before, after = body(one), body(two)
    outcomes = [{(c["member"], c["source"]): (c["outcome"], c["records"]) for c in tree["coverage"]} for tree in (before, after)]
    named = {(c["member"], c["source"]) for c in changes(before, after)["cells"]}
    assert named == {cell for cell in outcomes[0] if outcomes[0][cell] != outcomes[1][cell]}


@given(said, said)
def test_findings_that_came_and_went_are_told_apart(one: Said, two: Said) -> None:
    before, after = body(one), body(two)
    ids = [{f["id"] for f in tree["findings"]} for tree in (before, after)]
    found = changes(before, after)["findings"]
    assert {f["id"] for f in found["added"]} == ids[1] - ids[0]
    assert {f["id"] for f in found["removed"]} == ids[0] - ids[1]
    assert {f["id"] for f in found["changed"]} <= ids[0] & ids[1]


@given(said, said)
def test_the_way_back_is_the_way_there_reversed(one: Said, two: Said) -> None:
    there, back = changes(body(one), body(two)), changes(body(two), body(one))
    for name in ("figures", "lines", "items", "declared"):
        forth = [(c["from"], c["to"]) for c in there[name]]
        assert sorted(map(repr, forth)) == sorted(repr((c["to"], c["from"])) for c in back[name])


@given(said, said, st.sampled_from(["income", "property"]))
def test_every_figure_that_differs_is_named(one: Said, two: Said, section: str) -> None:
    """Put the figures that are named into the former report: then no figure differs any more."""
    before, after = body(one), body(two)
    named = {c["place"] for c in changes(before, after)["figures"] if c["place"].startswith(f"/{section}/")}
    healed = copy.deepcopy(before)
    healed[section] = after[section]
    assert not any(c["place"].startswith(f"/{section}/") for c in changes(healed, after)["figures"])
    assert bool(named) == (_measures(before[section]) != _measures(after[section]))


def _measures(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return [node] if "missing" in node and "complete" in node else [m for child in node.values() for m in _measures(child)]
    return [m for child in node for m in _measures(child)] if isinstance(node, list) else []


@given(said, said)
def test_a_difference_keeps_to_its_schema(one: Said, two: Said) -> None:
    before, after = body(one), body(two)
    after["header"] |= {"version": 2, "replaces": before["header"]["report_id"], "reason": "objection"}
    whole = difference(before, after)
    SCHEMA.validate(whole)
    assert (whole["reason"], whole["version"]) == ("objection", 2)
