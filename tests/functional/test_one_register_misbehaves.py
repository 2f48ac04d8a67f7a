"""One register hangs, drips, resets or shows a login page: the others are in the report, in the caller's time."""

import asyncio
from typing import Any

import orjson
import pytest
from pydantic import SecretStr

from tests.functional.conftest import Open, client_of
from tests.functional.raw_server import Behaviour, answer, drips, hangs, resets, sends, serving
from verify_service.sandbox.registers.vehicle import CREDENTIALS
from verify_service.services import Services
from verify_service.sources.definition import Endpoint

LOGIN_PAGE = answer(b"<html><body>Please sign in</body></html>", head=b"content-type: text/html; charset=utf-8\r\n")
LOGIN_PAGE_AS_JSON = answer(b"<html><body>Please sign in</body></html>")
EMPTY = answer(b"{}")
NULL = answer(b"null")

MISBEHAVIOURS: dict[str, tuple[Behaviour, set[str]]] = {
    "hangs": (hangs, {"unavailable.timeout"}),
    "drips": (drips(answer(b'{"code":"0000"}' * 20), 0.05), {"unavailable.timeout"}),
    "resets": (resets(b""), {"unavailable.connection"}),
    "resets in the body": (resets(EMPTY[:-1]), {"invalid.truncated"}),
    "sends a login page with 200": (sends(LOGIN_PAGE), {"invalid.encoding"}),
    "sends a login page that says it is JSON": (sends(LOGIN_PAGE_AS_JSON), {"invalid.schema", "invalid.signature"}),
    "sends an empty object": (sends(EMPTY), {"invalid.schema", "invalid.signature"}),
    "sends null": (sends(NULL), {"invalid.schema", "invalid.signature"}),
    "answers 500": (sends(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n"), {"unavailable.http_5xx"}),
}


async def verified(services: Services, household: bytes, *, deadline_seconds: float = 2.0) -> Any:
    """Post the family and return its report."""
    client = await client_of(services)
    admitted = services.admit(client, household)
    job = await services.accept(client, admitted, household, idempotency_key=None)
    finished = await services.complete(job, deadline_seconds=deadline_seconds)  # type: ignore[arg-type]
    return orjson.loads(finished.payload)


def by_source(report: Any) -> dict[str, set[str]]:
    """Return the outcomes of each source."""
    found: dict[str, set[str]] = {}
    for cell in report["coverage"]:
        found.setdefault(cell["source"], set()).add(cell["outcome"])
    return found


@pytest.mark.parametrize(("behaviour", "outcomes"), MISBEHAVIOURS.values(), ids=MISBEHAVIOURS.keys())
async def test_the_others_are_in_the_report(opened: Open, household: bytes, behaviour: Behaviour, outcomes: set[str]) -> None:
    credentials = {name: SecretStr(value) for name, value in CREDENTIALS.items()}
    async with serving(behaviour) as url, opened(instead={"vehicle": Endpoint(base_url=url, credentials=credentials)}) as services:
        async with asyncio.timeout(10):
            report = await verified(services, household)
    found = by_source(report)
    assert found.pop("vehicle") <= outcomes
    assert found.pop("securities") == found.pop("deposits") == {"pending.source_answers_later"}
    assert all(values <= {"answered.records", "answered.no_record"} for values in found.values()), found
    assert len(found) == 4
    assert report["header"]["state"] == "partial"
    assert report["header"]["usable_for"] == "information"


async def test_a_register_that_is_not_connected_is_in_the_matrix(opened: Open, household: bytes) -> None:
    """未接入 is told for every member; it is not left out and not 无."""
    async with opened() as services:
        services.verifier.channels.pop("pension")  # type: ignore[attr-defined]
        report = await verified(services, household)
    assert by_source(report)["pension"] == {"unavailable.not_connected"}
