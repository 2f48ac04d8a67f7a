"""A source is one folder: a stranger's package brings its kinds, its findings, its register, and they are in the signed report."""

import re
from pathlib import Path
from typing import Any

import jsonschema
import orjson
import pytest

from tests.architecture.stranger import install
from verify_service.bootstrap import installed_cases, open_services, utc_now
from verify_service.bulk.recompute import recompute_report
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.services import Services
from verify_service.settings import load_settings
from verify_service.signing.verification import verify
from verify_service.storage.records import Client


async def _verified(services: Services, body: bytes) -> dict[str, Any]:
    """Return the report that the service signed, and leave no doubt that it is this one and can be computed again."""
    client = Client("c", "t", "test", "no secret", ("verify:write",), ("*",), ("*",), services.clock())
    await services.store.add_client(client)
    job = await services.accept(client, services.admit(client, body), body, idempotency_key=None)
    finished = await services.complete(job, deadline_seconds=10)  # type: ignore[arg-type]
    report: dict[str, Any] = orjson.loads(verify(finished.jws, services.keyring().jwks()).payload)
    assert await recompute_report(services, tenant="t", report_id=report["header"]["report_id"])
    return report


@pytest.fixture
async def report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, repo_root: Path) -> dict[str, Any]:
    """Return the example household's report after somebody else's package was put on the path."""
    monkeypatch.syspath_prepend(install(tmp_path / "site"))
    given = orjson.loads((repo_root / "examples" / "household.json").read_bytes())
    body = orjson.dumps(given | {"sources": ["insurance_hub"]})
    settings = load_settings(state_dir=tmp_path / "var")
    cases = {"insurance_hub": installed_cases()["insurance_hub"]}
    async with (
        serve_registers(cases, SandboxOptions(), clock=utc_now) as endpoints,
        open_services(settings, endpoints=endpoints) as services,
    ):
        return await _verified(services, body)


def test_its_records_are_in_the_signed_report(report: dict[str, Any], repo_root: Path) -> None:
    jsonschema.Draft202012Validator(orjson.loads((repo_root / "schemas" / "report.schema.json").read_bytes())).validate(report)
    insurance = next(s for s in report["property"]["further"] if s["kind"] == "insurance")
    assert insurance["title_zh"] == "商业保险现金价值"
    assert [(i["key"], i["owners"], i["household_share"]) for i in insurance["items"]] == [
        ("P1", ["father", "mother"], {"numerator": 1, "denominator": 1}),
        ("grandmother P2", ["grandmother"], {"numerator": 1, "denominator": 1}),
    ]
    assert insurance["items"][0]["records"][0]["provenance"]["source"] == "insurance_hub"
    (aid,) = (s for s in report["benefits"]["further"] if s["kind"] == "union_aid")
    assert (aid["total"], aid["items"][0]["reason"]) == (None, "listed")


def test_they_add_to_the_figure_and_what_is_not_told_leaves_it_open(report: dict[str, Any]) -> None:
    total = next(s for s in report["property"]["further"] if s["kind"] == "insurance")["total"]
    assert total == {"lower_fen": 1_000_000, "upper_fen": None, "complete": False, "missing": ["grandmother:insurance_hub"]}
    figure = report["property"]["financial_assets_total"]
    assert figure["lower_fen"] == 1_000_000
    assert "grandmother:insurance_hub" in figure["missing"]
    assert "*:insurance" not in figure["missing"]


def test_it_raises_findings_of_its_own(report: dict[str, Any]) -> None:
    raised = [f for f in report["findings"] if f["code"] == "INS-01"]
    assert {f["member"] for f in raised} == {"father", "mother", "grandmother"}
    assert {(f["severity"], f["text_zh"], f["rule"]) for f in raised} == {("D", "持有商业保险", "M14")}


def test_the_service_names_no_source_that_ships_its_register(files: list[Path], repo_root: Path) -> None:
    whole = {path.parts[2] for path in files if path.parts[:2] == ("adapters", "verify_adapters") and path.name == "register.py"}
    assert "deposits" in whole
    name = re.compile(rf"\b(?:{'|'.join(sorted(whole))})\b")
    naming = [str(p) for p in files if p.parts[0] in {"src", "migrations"} and name.search((repo_root / p).read_text("utf-8"))]
    assert not naming
