"""What the service says about itself, and what every answer carries."""

import re
import sqlite3
from html.parser import HTMLParser
from typing import Any

import jsonschema
import orjson
import pytest
import yaml
from openapi_spec_validator import validate

from tests.api.house import House, household
from verify_service.api.app import openapi_document
from verify_service.api.generated import generated_files


async def test_key_set_holds_public_halves_only_and_may_be_kept_a_while(house: House) -> None:
    answer = await house.http.get("/.well-known/jwks.json")
    assert [set(key) for key in answer.json()["keys"]] == [{"kty", "crv", "x", "kid", "use", "alg"}]
    assert re.fullmatch(r"public, max-age=\d+", answer.headers["cache-control"])


async def test_ready_when_every_need_is_met(house: House) -> None:
    answer = await house.http.get("/readyz")
    assert answer.status_code == 200
    assert answer.json() == {"ready": True, "checks": {"store": True, "schema": True, "policies": True, "signing_key": True}}


async def test_not_ready_when_the_schema_is_another(house: House) -> None:
    with sqlite3.connect(house.database) as connection:
        connection.execute("UPDATE alembic_version SET version_num = 'other'")
    connection.close()
    answer = await house.http.get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["schema"]) == (503, False)


async def test_not_ready_when_the_store_does_not_answer(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreachable() -> None:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(house.services.store, "ping", unreachable)
    answer = await house.http.get("/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["checks"]["store"]) == (503, False, False)
    assert (await house.http.get("/healthz")).status_code == 200


async def test_sources_are_told_with_their_legal_basis_connected_or_not(house: House) -> None:
    sources = {source["id"]: source for source in (await house.get("/v1/sources")).json()["sources"]}
    assert {name for name, source in sources.items() if source["connected"]} == {"vehicle"}
    assert len(sources) == 7
    assert all(source["legal_basis"] and source["authority"] for source in sources.values())
    assert (await house.get("/v1/sources/pension")).json() == sources["pension"]
    assert (await house.get("/v1/sources/tarot")).json()["code"] == "not-found"


async def test_metrics_count_by_template_and_name_nobody(house: House) -> None:
    report = (await house.post()).json()["verification"]["report_id"]
    await house.get(f"/v1/reports/{report}")
    await house.http.request("BREW", "/no/such/990101197905120019")
    told = (await house.http.get("/metrics")).text
    assert 'verify_http_requests_total{method="GET",route="/v1/reports/{report_id}",status="200"} 1.0' in told
    assert 'method="other",route="none",status="404"' in told
    assert report not in told
    assert "990101197905120019" not in told


async def test_every_answer_has_an_id_of_ours_and_safe_headers(house: House) -> None:
    one, two = [await house.get(path, **{"X-Request-Id": "990101197905120019"}) for path in ("/v1/sources", "/v1/nothing")]
    for answer in (one, two):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert re.fullmatch(r"[0-9a-f-]{36}", answer.headers["x-request-id"])
    assert one.headers["x-request-id"] != two.headers["x-request-id"]


async def test_log_has_one_line_per_request_and_no_body_or_path(house: House, capfd: pytest.CaptureFixture[str]) -> None:
    answer = await house.post()
    await house.get("/v1/reports/990101197905120019")
    lines = [line for line in capfd.readouterr().out.splitlines() if "http.request" in line]
    assert len(lines) == 2
    assert answer.headers["x-request-id"] in lines[0]
    for told in ("route=/v1/verifications", "status=200", "tenant=one", "ms="):
        assert told in lines[0]
    assert not any(value in line for line in lines for value in ("990101", "王示范", "s3cret"))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi_document()


def test_document_is_valid_and_always_the_same(document: dict[str, Any]) -> None:
    validate(document)
    assert orjson.dumps(openapi_document()) == orjson.dumps(document)


def test_document_promises_a_problem_for_what_may_go_wrong(document: dict[str, Any]) -> None:
    for path, methods in document["paths"].items():
        for operation in methods.values():
            refusals = {
                status for status, answer in operation["responses"].items() if "application/problem+json" in answer.get("content", {})
            }
            assert ({"401", "403", "500", "503"} <= refusals) is path.startswith("/v1/")
            assert ("security" in operation) is path.startswith("/v1/")
    assert b"HTTPValidationError" not in orjson.dumps(document)


def test_every_reference_in_the_document_leads_somewhere(document: dict[str, Any]) -> None:
    for kind, name in re.findall(rb'"#/components/(\w+)/([^"]+)"', orjson.dumps(document)):
        assert name.decode() in document["components"][kind.decode()]


def test_examples_of_problems_are_problems(document: dict[str, Any]) -> None:
    schema = {"$ref": "#/components/schemas/Problem", "components": document["components"]}
    seen = 0
    for methods in document["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for example in answer.get("content", {}).get("application/problem+json", {}).get("examples", {}).values():
                    jsonschema.validate(example["value"], schema)
                    seen += 1
    assert seen > 20


def test_every_json_answer_has_an_example_that_keeps_to_its_schema(document: dict[str, Any]) -> None:
    answers = [
        answer["content"]["application/json"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for answer in operation["responses"].values()
        if "application/json" in answer.get("content", {})
    ]
    without = {answer["schema"]["$ref"].rpartition("/")[2] for answer in answers if "examples" not in answer}
    assert without == {"FinishedVerification", "ReportOrView"}  # as long as a whole report
    for answer in answers:
        for example in answer.get("examples", {}).values():
            value = document["components"]["examples"][example["$ref"].rpartition("/")[2]]["value"]
            jsonschema.validate(value, {**answer["schema"], "components": document["components"]})


async def test_request_example_and_answers_are_what_the_document_says(house: House, document: dict[str, Any]) -> None:
    def conforms(value: object, name: str) -> None:
        jsonschema.validate(value, {"$ref": f"#/components/schemas/{name}", "components": document["components"]})

    example = document["components"]["examples"]["household"]["value"]
    conforms(example, "VerificationRequest")
    answer = await house.post(orjson.dumps(example))
    conforms(answer.json(), "FinishedVerification")
    report = answer.json()["verification"]["report_id"]
    conforms((await house.get(f"/v1/reports/{report}")).json(), "ReportOrView")
    conforms((await house.get(f"/v1/reports/{report}/versions")).json(), "Versions")
    conforms((await house.get(f"/v1/verifications/{answer.json()['verification']['id']}")).json(), "VerificationAnswer")
    conforms((await house.get("/v1/sources")).json(), "Sources")
    conforms((await house.get("/.well-known/jwks.json")).json(), "PublicKeys")
    conforms((await house.get("/readyz")).json(), "Readiness")
    conforms((await house.get("/v1/nothing")).json(), "Problem")
    conforms((await house.post(household(lambda b: b.update(x=1)))).json(), "Problem")


class Page(HTMLParser):
    """Collects what a page would fetch, what it links to, and what it can be linked to by."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.fetched: list[str] = []
        self.links: set[str] = set()
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name in {"src", "srcset", "action"} or (name == "href" and tag == "link"):
                self.fetched.append(value or "")
            elif name == "href":
                self.links.add(value or "")
            elif name == "id":
                self.anchors.add(value or "")


async def test_docs_page_needs_nothing_from_elsewhere(house: House) -> None:
    answer = await house.http.get("/docs")
    page = Page()
    page.feed(answer.text)
    assert not page.fetched
    assert "script" not in page.tags
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert {link.removeprefix("#") for link in page.links if link.startswith("#")} <= page.anchors
    assert {link for link in page.links if not link.startswith("#")} == {"/openapi.json"}


async def test_docs_page_shows_every_endpoint_and_the_example(house: House) -> None:
    text = (await house.http.get("/docs")).text
    document = (await house.http.get("/openapi.json")).json()
    assert all(path in text for path in document["paths"])
    assert "SHILI-2026-000101" in text


async def test_docs_page_shows_code_as_code(house: House) -> None:
    text = (await house.http.get("/docs")).text
    assert "branch on their <code>code</code>" in text
    assert "`" not in text


def test_generated_files_are_the_document_and_the_schemas() -> None:
    files = generated_files()
    assert yaml.safe_load(files["openapi.yaml"]) == openapi_document()
    assert {name for name in files if name.startswith("schemas/")} >= {
        "schemas/verification-request.schema.json",
        "schemas/report.schema.json",
        "schemas/problem.schema.json",
    }
    for name, content in files.items():
        if name.endswith(".json"):
            jsonschema.Draft202012Validator.check_schema(orjson.loads(content))
