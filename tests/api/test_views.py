"""Views over HTTP: who may have which, signed in its own right, linked to the report, and standing as long as it does."""

from dataclasses import replace
from typing import Any

import jsonschema
import pytest

from tests.api.house import House, household
from tests.api.test_amendments import done, issue
from tests.api.test_reports import verify as brought
from verify_service.api.openapi import schemas
from verify_service.domain.policy import Policies
from verify_service.signing.canonical import canonical_bytes, sha256_hex
from verify_service.signing.keys import rotate
from verify_service.signing.signer import sign
from verify_service.signing.verification import verify

VIEWS = ["applicant", "minimum"]


def at(issued: dict[str, Any], view: str) -> str:
    return f"/v1/reports/{issued['verification']['report_id']}?view={view}"


@pytest.mark.parametrize("view", VIEWS)
async def test_view_is_signed_in_its_own_right_and_names_the_report(house: House, view: str) -> None:
    first = await issue(house)
    answer = await house.get(at(first, view))
    told = answer.json()
    jsonschema.validate(told, {"$ref": "#/components/schemas/ViewAnswer", "components": {"schemas": schemas()}})
    signed = verify(told["jws"], house.services.keyring().jwks())
    header = told["view"]["header"]
    assert signed.report == told["view"]
    assert (header["view"], header["report_id"]) == (view, first["verification"]["report_id"])
    assert header["digest"] == sha256_hex(canonical_bytes(first["report"]))
    assert answer.headers["etag"] == f'"{sha256_hex(signed.payload)}"'
    jose = await house.get(at(first, view), Accept="application/jose")
    assert (jose.headers["content-type"], jose.text) == ("application/jose", told["jws"])


@pytest.mark.parametrize("view", VIEWS)
async def test_view_is_always_the_same_bytes(house: House, view: str) -> None:
    first = await issue(house)
    one = await house.get(at(first, view))
    house.clock.pass_by(days=3)
    assert (await house.get(at(first, view))).content == one.content


@pytest.mark.parametrize("view", VIEWS)
async def test_view_keeps_its_signature_when_the_key_is_rotated(house: House, view: str, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await issue(house)
    one = await house.get(at(first, view))
    ring = rotate(house.services.keyring(), house.clock())
    monkeypatch.setattr(house.services, "keyring", lambda: ring)
    monkeypatch.setattr(house.services, "verifier", replace(house.services.verifier, sign=lambda body: sign(body, ring.active)))
    assert (await house.get(at(first, view))).content == one.content
    assert verify(one.json()["jws"], ring.jwks()).kid != ring.active.kid
    other = await house.get(at(await issue(house), view))
    assert verify(other.json()["jws"], ring.jwks()).kid == ring.active.kid


@pytest.mark.parametrize("view", VIEWS)
async def test_view_leaks_nobody(house: House, view: str) -> None:
    answer = await house.get(at(await issue(house), view))
    for hidden in ("990101198109230027", "990101200908300036", "990101195506010040", "李示例", "王小例", "赵示云"):
        assert hidden not in answer.text
    assert ("王示范" in answer.text) is (view == "applicant")


async def test_minimum_view_says_sides_of_lines_and_no_value(house: House) -> None:
    first = await issue(house)
    lines = (await house.get(at(first, "minimum"))).json()["view"]["lines"]
    assert [(line["code"], line["result"]) for line in lines] == [(line["code"], line["result"]) for line in first["report"]["lines"]]
    assert {name for line in lines for name in line} == {"code", "title_zh", "clause", "result"}


async def test_full_is_the_report(house: House) -> None:
    first = await issue(house)
    assert (await house.get(at(first, "full"))).content == (await house.get(at(first, "full").partition("?")[0])).content


@pytest.mark.parametrize(
    ("who", "allowed"), [("full", {"full", "applicant", "minimum"}), ("kiosk", {"applicant"}), ("counter", {"minimum"}), ("writer", set())]
)
async def test_scope_opens_its_view_and_no_other(house: House, who: str, allowed: set[str]) -> None:
    first = await issue(house)
    for view in ("full", "applicant", "minimum"):
        answer = await house.get(at(first, view), who=who)
        assert answer.status_code == (200 if view in allowed else 403)
        assert view in allowed or answer.json()["code"] == "insufficient-scope"
    assert (await house.get(at(first, "full").partition("?")[0], who=who)).status_code == (200 if "full" in allowed else 403)


@pytest.mark.parametrize("view", VIEWS)
async def test_view_of_another_tenants_report_is_not_there(house: House, view: str) -> None:
    assert (await house.get(at(await issue(house), view), who="other")).status_code == 404


async def test_policy_says_which_views_may_be_given(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    first = await issue(house)
    monkeypatch.setattr(house.services, "policies", with_views(house.services.policies, "minimum"))
    refused = await house.get(at(first, "applicant"))
    assert (refused.status_code, refused.json()["code"], refused.json()["errors"][0]["pointer"]) == (403, "not-permitted", "/view")
    assert (await house.get(at(first, "minimum"))).status_code == 200
    assert (await house.get(at(first, "full"))).status_code == 200


@pytest.mark.parametrize(("region", "status"), [("990101", 200), ("990201", 403)])
async def test_cities_differ_in_the_views_they_give(house: House, region: str, status: int) -> None:
    def change(body: dict[str, Any]) -> None:
        body.update(purpose="06", region=region)
        for consent in body["consents"]:
            consent["purposes"] = ["06"]

    issued = (await house.post(household(change))).json()
    assert (await house.get(at(issued, "applicant"))).status_code == status
    assert (await house.get(at(issued, "minimum"))).status_code == 200


def with_views(policies: Policies, *views: str) -> Any:
    """Return the policies with other views in every programme."""

    class Other:
        def in_force(self, *where: Any) -> Any:
            policy = policies.in_force(*where)
            return replace(policy, programme=policy.programme.model_copy(update={"views": frozenset(views)}))

    return Other()


@pytest.mark.parametrize("query", ["view=", "view=FULL", "view=public", "view=minimum&view=full", "view=full&view=full"])
async def test_unknown_view_is_refused_unread(house: House, query: str) -> None:
    first = await issue(house)
    read = house.stored("audit")
    answer = await house.get(f"/v1/reports/{first['verification']['report_id']}?{query}")
    assert (answer.status_code, answer.json()["errors"][0]["rule"]) == (422, "known_view")
    assert house.stored("audit") == read


@pytest.mark.parametrize("view", VIEWS)
async def test_that_a_view_was_given_is_in_the_audit_log(house: House, view: str) -> None:
    first = await issue(house)
    await house.get(at(first, view))
    last = (await house.services.store.audit_log(tenant="one"))[-1]
    assert (last.action, last.object_id, last.detail) == ("report.viewed", first["verification"]["report_id"], {"view": view})


@pytest.mark.parametrize("view", VIEWS)
async def test_brought_view_stands_as_long_as_its_report(house: House, view: str) -> None:
    first = await issue(house)
    jws = (await house.get(at(first, view), Accept="application/jose")).text
    assert (await brought(house, jws))["state"] == "current"
    made = await done(house, "resolution", first)
    verdict = await brought(house, jws)
    assert (verdict["valid"], verdict["state"], verdict["replaced_by"]) == (True, "superseded", made["verification"]["report_id"])
    replaced = await house.get(at(first, view))
    assert replaced.json()["state"]["replaced_by"] == made["verification"]["report_id"]
    last = await done(house, "withdrawal", made)
    for brought_again in (jws, made["jws"], last["jws"]):
        assert (await brought(house, brought_again))["state"] == "withdrawn"


@pytest.mark.parametrize("form", ["application/json", "application/jose"])
@pytest.mark.parametrize("view", ["full", *VIEWS])
async def test_replaced_version_names_its_successor_beside_the_signed_bytes(house: House, view: str, form: str) -> None:
    first = await issue(house)
    assert "link" not in (await house.get(at(first, view), Accept=form)).headers
    made = await done(house, "resolution", first)
    answer = await house.get(at(first, view), Accept=form)
    assert answer.headers["link"] == f'</v1/reports/{made["verification"]["report_id"]}>; rel="successor-version"'
