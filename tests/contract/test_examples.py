"""The files in examples/ are current, valid as they stand, and say the same in both forms."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from tests.contract import batch_csv, batch_example
from verify_service.api.app import create_app
from verify_service.api.auth import Scope, hash_secret, new_secret
from verify_service.bootstrap import installed_cases, open_services
from verify_service.domain.policy import Policies, load_policies
from verify_service.domain.request import VerificationRequest
from verify_service.sandbox.population import SOURCES, Population
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.settings import load_settings
from verify_service.sources.cases import CONTRACT_CLOCK
from verify_service.storage.records import Client

OF_THE_RUN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|\d{4}-\d\d-\d\d(T[\d:.]+\+08:00)?")
EXAMPLES = ("household.json", "batch.ndjson")


@pytest.fixture
def policies(repo_root: Path) -> Policies:
    return load_policies(repo_root / "policies")


def bodies(repo_root: Path, name: str) -> list[bytes]:
    content = (repo_root / "examples" / name).read_bytes()
    return content.splitlines() if name.endswith(".ndjson") else [content]


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_is_accepted_as_it_stands(name: str, repo_root: Path, policies: Policies) -> None:
    for body in bodies(repo_root, name):
        request = VerificationRequest.model_validate_json(body)
        assert request.violations(today=batch_example.DAY, sources=SOURCES, regions=policies.regions, kinds={"deposit"}) == []
        assert policies.in_force(request.region, request.purpose, request.asset_as_of).region == request.region


def test_batch_files_are_current(repo_root: Path) -> None:
    written = {name: (repo_root / "examples" / name).read_bytes() for name in batch_example.files()}
    assert written == batch_example.files(), "make them again: python -m tests.contract.batch_example"


def test_csv_rebuilds_the_same_requests(repo_root: Path) -> None:
    rebuilt = batch_csv.read_csv((repo_root / "examples" / "batch.csv").read_text("utf-8"))
    lines = bodies(repo_root, "batch.ndjson")
    as_request = VerificationRequest.model_validate_json
    assert [as_request(orjson.dumps(request)) for request in rebuilt] == [as_request(line) for line in lines]


def test_batch_shows_what_it_says_it_shows(repo_root: Path) -> None:
    requests = [VerificationRequest.model_validate_json(line) for line in bodies(repo_root, "batch.ndjson")]
    people = [member.id_number.reveal() for request in requests for member in request.household.members]
    consents = [consent for request in requests for consent in request.consents]
    assert Counter(len(request.household.members) for request in requests) == Counter(batch_example.SIZES)
    assert len(set(people)) == len(people) == len(consents)
    assert len({request.purpose for request in requests}) > 5
    assert any(consent.guardian for consent in consents)
    assert any(consent.valid_until for consent in consents)
    assert any(consent.sources != ("*",) for consent in consents)


def test_sandbox_knows_everybody_in_the_batch_by_that_name(repo_root: Path) -> None:
    population = Population(1, batch_example.DAY)
    for line in bodies(repo_root, "batch.ndjson"):
        for member in VerificationRequest.model_validate_json(line).household.members:
            person = population.person(member.id_number.reveal())
            assert person is not None
            assert person.name == member.name


@pytest.mark.parametrize("spoil", [lambda t: t.replace("purpose", "purposes", 1), lambda t: t.replace("样板路1号", "样板路2号", 1)])
def test_csv_reader_refuses_another_header_and_lines_that_disagree(spoil, repo_root: Path) -> None:
    text = (repo_root / "examples" / "batch.csv").read_text("utf-8")
    with pytest.raises(ValueError, match=r"header|disagree"):
        batch_csv.read_csv(spoil(text))


def test_csv_writer_refuses_what_it_has_no_column_for() -> None:
    request = batch_example.requests()[0]
    request["household"]["declared_assets"]["homes"] = 1
    with pytest.raises(ValueError, match="homes"):
        batch_csv.write_csv([request])


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of a service that asks the simulated registers, at the contract clock."""
    settings = load_settings(state_dir=tmp_path / "var")
    async with (
        serve_registers(installed_cases(), SandboxOptions(), clock=lambda: CONTRACT_CLOCK) as endpoints,
        open_services(settings, endpoints=endpoints, clock=lambda: CONTRACT_CLOCK) as services,
        httpx.AsyncClient(transport=httpx.ASGITransport(create_app(services)), base_url="http://sandbox") as http,
    ):
        secret = new_secret()
        await services.store.add_client(Client("c", "t", "example", hash_secret(secret), tuple(Scope), ("*",), ("*",), CONTRACT_CLOCK))
        http.headers = httpx.Headers({"Authorization": f"Bearer c.{secret}", "Content-Type": "application/json"})
        yield http


async def test_running_sandbox_accepts_every_example(sandbox: httpx.AsyncClient, repo_root: Path) -> None:
    for body in (body for name in EXAMPLES for body in bodies(repo_root, name)):
        answer = await sandbox.post("/v1/verifications", content=body)
        assert answer.status_code == 200
        report = answer.json()["report"]
        assert {cell["source"] for cell in report["coverage"]} == set(installed_cases())
        assert {cell["outcome_class"] for cell in report["coverage"]} <= {"answered", "pending", "identity", "refused"}


async def test_readme_shows_what_really_comes(sandbox: httpx.AsyncClient, repo_root: Path) -> None:
    answer = (await sandbox.post("/v1/verifications", content=bodies(repo_root, "household.json")[0])).json()
    block = re.findall(r"^```json\n(.*?)^```$", (repo_root / "README.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)[0]
    shown = {name: part for text in block.split("\n\n") for name, part in orjson.loads(f"{{{text}}}").items()}
    assert shown.keys() > {"verification", "coverage", "lines"}
    for name, part in shown.items():
        assert shows(part, {**answer["report"], **answer}[name]), name


def shows(excerpt: Any, whole: Any) -> bool:
    """Say whether an excerpt is found in the whole; ids and times differ from run to run."""
    if isinstance(excerpt, dict):
        return isinstance(whole, dict) and all(key in whole and shows(part, whole[key]) for key, part in excerpt.items())
    if isinstance(excerpt, list):
        return isinstance(whole, list) and all(any(shows(part, one) for one in whole) for part in excerpt)
    return OF_THE_RUN.sub("", str(excerpt)) == OF_THE_RUN.sub("", str(whole))
