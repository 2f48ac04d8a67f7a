"""A view shows what it may, and of everything else not one value is in its bytes."""

from collections.abc import Iterator
from typing import Any

import jsonschema
import orjson
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from tests.generative.test_difference import CELLS, body
from tests.households import NOW, answers, example_request, report
from tests.records import joint_home
from verify_service.domain.amendment import Made, Officer, Resolution
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.view import ApplicantView, MinimumView, View
from verify_service.signing.canonical import canonical_bytes
from verify_service.verification.views import view_of

REQUEST = example_request()
DIGEST = "ab" * 32
SCHEMAS: dict[View, Any] = {
    "applicant": jsonschema.Draft202012Validator(TypeAdapter(ApplicantView).json_schema()),
    "minimum": jsonschema.Draft202012Validator(TypeAdapter(MinimumView).json_schema()),
}
OWN = next(m for m in REQUEST.household.members if m.role.value == "applicant")
OTHERS = [m for m in REQUEST.household.members if m is not OWN]
said = st.dictionaries(st.sampled_from(CELLS), st.sampled_from(["found", OutcomeCode.TIMEOUT, OutcomeCode.PERSON_NOT_FOUND]), max_size=8)


def shown(whole: Any, view: View) -> bytes:
    made = view_of(whole, digest=DIGEST, view=view)
    SCHEMAS[view].validate(orjson.loads(canonical_bytes(made)))
    return canonical_bytes(made)


def leaves(node: Any) -> Iterator[Any]:
    if isinstance(node, dict | list):
        for child in node.values() if isinstance(node, dict) else node:
            yield from leaves(child)
    elif node is not None:
        yield node


@given(said)
def test_minimum_view_holds_no_value_of_the_report_beyond_what_it_names(one: Any) -> None:
    whole = body(one)
    seen = set(map(repr, leaves(orjson.loads(shown(whole, "minimum")))))
    allowed = {
        *("verify-service/view/1", "minimum", DIGEST, whole["use_restriction"], whole["policy"]["version"]),
        *(whole["header"][name] for name in ("report_id", "version", "title", "title_zh", "state", "usable_for")),
        *(whole["header"][name] for name in ("issued_at", "valid_until", "issuer", "disclaimer")),
        *(whole["commission"][name] for name in ("number", "purpose")),
        *(line[name] for line in whole["lines"] for name in ("code", "title_zh", "clause", "result")),
    }
    assert seen <= set(map(repr, allowed))


@given(said)
def test_minimum_view_is_the_same_whatever_lies_behind_the_same_sides_of_the_lines(one: Any) -> None:
    whole = body(one)
    emptied = {**whole, "lines": [{**line, "line": 1, "measured": None} for line in whole["lines"]]}
    for section in ("coverage", "household", "income", "property", "findings", "amendments", "consents"):
        emptied[section] = None
    assert shown(whole, "minimum") == shown(emptied, "minimum")


@given(said)
def test_applicant_view_names_nobody_else_and_holds_no_digest(one: Any) -> None:
    whole = body(one)
    seen = shown(whole, "applicant").decode()
    for other in OTHERS:
        assert other.name not in seen
        assert other.id_number.reveal() not in seen
    digests = {leaf for leaf in leaves(whole["coverage"]) if isinstance(leaf, str) and len(leaf) == 64}
    assert digests
    assert not any(digest in seen for digest in digests)
    assert OWN.id_number.reveal() in seen
    assert OWN.name in seen


@given(said)
def test_applicant_view_is_the_report_but_for_what_is_masked_and_left_out(one: Any) -> None:
    whole = body(one)
    shown_report = orjson.loads(shown(whole, "applicant"))["report"]
    for section in ("lines", "gaps", "data_notes", "policy", "objection"):
        assert shown_report[section] == whole[section]
    assert shown_report["income"]["total"] == whole["income"]["total"]
    assert [m["ref"] for m in shown_report["household"]["members"]] == [m["ref"] for m in whole["household"]["members"]]
    mother = next(m for m in shown_report["household"]["members"] if m["ref"] == "mother")
    assert (mother["name"], mother["id_number"]) == ("李**", "990101********0027")


@given(said, st.sampled_from(["applicant", "minimum"]))
def test_same_report_gives_the_same_bytes(one: Any, view: View) -> None:
    assert shown(body(one), view) == shown(body(one), view)


def test_guardians_agents_and_former_names_of_others_are_masked_too() -> None:
    given = REQUEST.model_dump(mode="json")
    given["household"]["members"][1]["former_names"] = ["李旧例"]
    signer = {"id_number": "990101198001010014", "name": "示例·代理人", "relation": "99", "basis": "power of attorney"}
    given["consents"][0]["agent"] = given["consents"][1]["guardian"] = signer
    request = example_request(household=given["household"], consents=given["consents"])
    whole = orjson.loads(canonical_bytes(report(request, answers(request))))
    full, seen = canonical_bytes(whole).decode(), shown(whole, "applicant").decode()
    for hidden in ("李旧例", signer["name"], signer["id_number"]):
        assert hidden in full
        assert hidden not in seen


def test_co_owners_and_whoever_a_text_names_are_masked_too() -> None:
    stranger, number, card = "示例·陌生人", "990101198001010014", f"{OTHERS[0].id_number.reveal()}11"
    note = f"{stranger} ({number}, 990101800101001) and {OTHERS[0].name} were seen; disability card {card}"
    given = answers(REQUEST, father={"property": [joint_home(None, stranger)]})
    finding = report(REQUEST, given)["findings"][0]["id"]
    officer = Officer(name_or_id="jb-0017", office="示例一市甲区民政局")
    made = [Made(2, NOW, Resolution(officer=officer, finding=finding, state="confirmed", note=note))]
    whole = orjson.loads(canonical_bytes(report(REQUEST, given, made=made)))
    full, seen = canonical_bytes(whole).decode(), shown(whole, "applicant").decode()
    for hidden in (stranger, number, "990101800101001", OTHERS[0].name, OTHERS[0].id_number.reveal()):
        assert hidden in full
        assert hidden not in seen
    assert "jb-0017" in seen
