"""先授权、后核对: when a question may be sent, as a table; and what the report tells of consents."""

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.households import NOW, answer, answers, example_request, id_number, report
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.request import VerificationRequest
from verify_service.errors import NoConsent
from verify_service.verification.plan import Asker, Plan, plan

SOURCES = ("vehicle", "property")
GUARDIAN = {"id_number": id_number("19600101").reveal(), "name": "示例·监护", "relation": "51", "basis": "court ruling"}
BASIS = {
    "reference": "FD-1", "member": "father", "provision": "社会救助暂行办法 第五十八条", "purposes": ["01"], "sources": ["vehicle"],
    "valid_from": "2026-01-01", "valid_until": "2026-12-31",
}  # fmt: skip


def _request(consent: dict[str, Any], member: dict[str, Any] | None = None, **top: Any) -> VerificationRequest:
    """Return the example in which father's consent, and father, are changed."""
    given = example_request().model_dump(mode="json")
    given["consents"][0] |= consent
    given["household"]["members"][0] |= member or {}
    return example_request(**{"consents": given["consents"], "household": given["household"], **top})


def _plan(request: VerificationRequest, at: datetime = NOW) -> Plan:
    return plan(request, asker=Asker("t", "v"), sources=SOURCES, connected=SOURCES, at=at)


def _of_father(planned: Plan) -> dict[str, str]:
    """Return father's cells: "asked", or why not."""
    asked = {source: "asked" for source, group in planned.asked.items() if any(q.member == "father" for q in group)}
    return asked | {a.question.source: a.outcome.detail for a in planned.unasked if a.question.member == "father"}


@pytest.mark.parametrize(
    ("consent", "member", "top", "said"),
    [
        ({}, {}, {}, "asked"),
        ({"valid_from": "2026-11-24"}, {}, {}, "asked"),
        ({"valid_from": "2026-11-25"}, {}, {}, "consent: not_yet_valid"),
        ({"valid_rule": "fixed_date", "valid_until": "2026-11-24"}, {}, {}, "asked"),
        ({"valid_rule": "fixed_date", "valid_until": "2026-11-23"}, {}, {}, "consent: expired"),
        ({"matter_ended": "2026-11-24"}, {}, {}, "asked"),
        ({"matter_ended": "2026-11-23"}, {}, {}, "consent: matter_ended"),
        ({"valid_rule": "until_rejected", "matter_ended": "2026-11-23"}, {}, {}, "consent: matter_ended"),
        ({"matter_ended": "2026-11-23"}, {}, {"trigger": "monitor"}, "asked"),
        ({"matter_ended": "2026-11-23", "covers_monitoring": False}, {}, {"trigger": "monitor"}, "consent: matter_ended"),
        ({"covers_monitoring": False}, {}, {"trigger": "monitor"}, "consent: monitoring"),
        ({"revoked_at": "2026-11-24T02:00:01Z"}, {}, {}, "asked"),
        ({"revoked_at": "2026-11-24T02:00:00Z"}, {}, {}, "consent: revoked"),
        ({"purposes": ["02"]}, {}, {}, "consent: purpose"),
        ({"sources": ["pension"]}, {}, {}, "consent: source"),
        ({"family": ["mother", "father", "child", "grandmother"]}, {}, {}, "asked"),
        ({"family": ["father", "mother", "child"]}, {}, {}, "consent: household_changed"),
        ({}, {"capacity": "limited"}, {}, "consent: no_guardian"),
        ({"guardian": GUARDIAN}, {"capacity": "none"}, {}, "asked"),
        ({"member": "mother"}, {}, {}, "consent: none_given"),
    ],
)
def test_when_a_question_may_be_sent(consent: dict[str, Any], member: dict[str, Any], top: dict[str, Any], said: str) -> None:
    assert set(_of_father(_plan(_request(consent, member, **top))).values()) == {said}


def test_a_minor_cannot_consent_for_herself() -> None:
    given = example_request().model_dump(mode="json")["consents"]
    given[2]["guardian"] = None
    planned = _plan(example_request(consents=given))
    assert {a.outcome.detail for a in planned.unasked} == {"consent: no_guardian"}
    assert {a.question.member for a in planned.unasked} == {"child"}


@pytest.mark.parametrize(
    ("basis", "said"),
    [
        ({}, {"vehicle": "asked", "property": "consent: source"}),
        ({"valid_until": "2026-11-23"}, {"vehicle": "consent: expired", "property": "consent: expired"}),
        ({"valid_from": "2026-11-25"}, {"vehicle": "consent: not_yet_valid", "property": "consent: not_yet_valid"}),
        ({"purposes": ["05"]}, {"vehicle": "consent: purpose", "property": "consent: purpose"}),
    ],
)
def test_a_legal_basis_stands_without_consent_and_never_for_all(basis: dict[str, Any], said: dict[str, str]) -> None:
    assert _of_father(_plan(_request({"member": "mother"}, legal_bases=[BASIS | basis]))) == said


def test_a_consent_is_looked_at_when_the_question_is_sent_not_when_the_request_came() -> None:
    request = _request({"valid_rule": "fixed_date", "valid_until": "2026-11-24"})
    assert set(_of_father(_plan(request)).values()) == {"asked"}
    next_day = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)  # 00:00 of the 25th at +08:00
    assert set(_of_father(_plan(request, next_day)).values()) == {"consent: expired"}


def test_without_any_ground_nothing_is_asked() -> None:
    with pytest.raises(NoConsent):
        _plan(example_request(consents=[]))


def test_a_revocation_stops_what_was_not_asked_and_is_told() -> None:
    request = _request({"revoked_at": "2026-11-24T02:00:00Z"})
    assert set(_of_father(_plan(request)).values()) == {"consent: revoked"}
    given = [a for a in answers(request) if (a.question.member, a.question.source) != ("father", "pension")]
    unasked = answer(request, "father", "pension", OutcomeCode.NO_CONSENT, asked_at=None, attempts=0, detail="consent: revoked")
    whole = report(request, [*given, unasked])
    line = whole["consents"][0]
    assert (line["member"], line["revoked_at"]) == ("father", "2026-11-24T10:00:00.000+08:00")
    assert whole["gaps"] == ["father:pension"]
    assert {(n["code"], n["about"]) for n in whole["data_notes"]} >= {("consent_revoked", "father")}


def test_the_report_says_who_signed_for_whom_how_and_what_was_kept_of_it() -> None:
    proof = {"method": "face", "score_bp": 9720, "compared_at": "2026-11-16T02:00:00Z"}
    signed = {"signature_mode": "e_sign", "signing_proof": proof, "document_digest": "ab" * 32, "document_digest_algorithm": "sm3"}
    request = _request({**signed, "guardian": GUARDIAN, "family": ["mother", "father", "child", "grandmother"]}, legal_bases=[BASIS])
    lines: Any = report(request, answers(request))["consents"]
    basis, consent = (line for line in lines if line["member"] == "father")
    assert (consent["form_version"], consent["signed_by"], consent["signature_mode"]) == ("2026-1", "guardian", "e_sign")
    assert consent["guardian"] == GUARDIAN
    assert consent["signing_proof"] == proof | {"compared_at": "2026-11-16T10:00:00.000+08:00"}
    assert (consent["document_digest"], consent["document_digest_algorithm"]) == ("ab" * 32, "sm3")
    assert consent["family"] == ["child", "father", "grandmother", "mother"]
    form = ("form_version", "guardian", "agent", "signing_proof", "family", "document_digest_algorithm")
    assert [basis[name] for name in form] == [None] * len(form)


def test_the_report_says_what_was_asked_under_which_ground() -> None:
    request = example_request()
    given = [answer(request, m.ref, s) for m in request.household.members for s in SOURCES]
    line = report(request, given)["consents"][0]
    assert (line["signed_by"], line["signature_mode"]) == ("self", "paper_fingerprint")
    assert report(request, given)["consents"][2]["signed_by"] == "guardian"
    asked = [a for a in given if a.question.consent == "SQ-1"]
    assert len(asked) == len(given)
    assert line["asked"] == []
