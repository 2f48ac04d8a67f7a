"""The certificate: every source passes against the sandbox, a broken register fails with the lines that say why, and nobody is named."""

import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.functional.processes import Process, run
from tests.functional.processes import registers as registers_of
from verify_service.bootstrap import installed_adapters, installed_cases, utc_now
from verify_service.certification.asking import Asker
from verify_service.certification.certificate import Certificate, Line
from verify_service.certification.certify import certify
from verify_service.certification.checks import Bench
from verify_service.sandbox.delivery import Delivery
from verify_service.sandbox.faults import Faults
from verify_service.sandbox.http import serve_http
from verify_service.sandbox.population import Population
from verify_service.sandbox.registers import property as property_register
from verify_service.sandbox.registry import registers
from verify_service.sandbox.serve import SandboxOptions, serve_registers
from verify_service.sandbox.world import World
from verify_service.sources.cases import Case, by_person, on_contract_day
from verify_service.sources.client import system_randomness
from verify_service.sources.definition import Endpoint
from verify_service.sources.register import HttpRegister, RegisterReply, RegisterRequest

SOURCES = sorted(installed_adapters())
Break = Callable[[RegisterReply], RegisterReply]


def clock() -> Any:
    return on_contract_day(utc_now())


async def judged(source: str, endpoint: Endpoint, cases: dict[str, Case]) -> Certificate:
    asker = Asker(installed_adapters()[source], clock, system_randomness(), 30)
    return await certify(Bench.of(asker, endpoint, pace_seconds=0), cases)


@pytest.mark.slow
@pytest.mark.parametrize("source", SOURCES)
async def test_every_source_passes_against_the_sandbox(source: str) -> None:
    cases = installed_cases()[source]
    async with serve_registers({source: cases}, SandboxOptions(), clock=clock) as endpoints:
        certificate = await judged(source, endpoints[source], cases)
    assert [line for line in certificate.lines if line.verdict == "failed"] == []
    assert certificate.passed
    checks = {line.check for line in certificate.lines if line.verdict == "passed"}
    assert checks >= {"case", "binding", "deadline", "malformed", "quota"}
    assert [line.check for line in certificate.lines].count("binding") == [line.check for line in certificate.lines].count("quota") == 2
    assert ("paging" in checks) is (source == "property")
    written = json.dumps(certificate.to_json(), ensure_ascii=False)
    assert not any(case.person.id_number.reveal() in written or case.person.name in written for case in cases.values())


class Broken:
    """A register whose requests are changed on their way in, its replies about people on their way out."""

    def __init__(self, register: HttpRegister, change: Break, change_request: Callable[[bytes], bytes]) -> None:
        self._register = register
        self._change = change
        self._change_request = change_request

    def reply(self, request: RegisterRequest) -> RegisterReply:
        reply = self._register.reply(replace(request, body=self._change_request(request.body)))
        return self._change(reply) if reply.people else reply


@asynccontextmanager
async def broken(
    source: str, cases: dict[str, Case], change: Break = lambda reply: reply, change_request: Callable[[bytes], bytes] = lambda body: body
) -> AsyncIterator[Endpoint]:
    kind = registers()[source]
    world = World(source, clock, Population(1, as_of=clock().date()), by_person(cases.values()), kind.credentials)
    register = Broken(kind.build(world, 0.5), change, change_request)  # type: ignore[arg-type]
    server = await serve_http(register, Delivery(source, Faults("none", 1)), host="127.0.0.1", port=0)
    try:
        port = server.sockets[0].getsockname()[1]
        yield Endpoint.model_validate({"base_url": f"http://127.0.0.1:{port}", "credentials": dict(kind.credentials)})
    finally:
        server.close()


def body(change: Callable[[bytes], bytes]) -> Break:
    return lambda reply: replace(reply, body=change(reply.body))


def html(reply: RegisterReply) -> RegisterReply:
    return replace(reply, headers={"Content-Type": "text/html; charset=utf-8"}, body=b"<html><body>Please sign in</body></html>")


def some(source: str, *names: str) -> dict[str, Case]:
    return {name: installed_cases()[source][name] for name in names}


def failed(certificate: Certificate, name: str) -> Line:
    (line,) = (line for line in certificate.lines if line.check == "case" and line.case == name)
    assert line.verdict == "failed"
    return line


BREAKS: dict[str, tuple[str, Break, str, str]] = {
    "another person echoed": (
        "business_registration",
        body(lambda b: b.replace(b"990101", b"990102")),
        "found",
        "invalid.binding (echoed identity)",
    ),
    "wrong count": ("property", body(lambda b: b.replace(b"<TotalRows>1<", b"<TotalRows>2<")), "found", "invalid."),
    "200 with HTML": ("business_registration", html, "found", "invalid.encoding"),
}


@pytest.mark.parametrize("name", BREAKS)
async def test_a_broken_register_fails_with_the_line_that_says_why(name: str) -> None:
    source, change, case, got = BREAKS[name]
    cases = some(source, case, "nothing_found")
    async with broken(source, cases, change) as endpoint:
        certificate = await judged(source, endpoint, cases)
    assert not certificate.passed
    assert failed(certificate, case).expected == "answered.records"
    assert failed(certificate, case).got.startswith(got)


async def test_a_register_that_ignores_which_page_is_asked_for_fails() -> None:
    cases = some("property", "several_pages", "found", "nothing_found")
    async with broken("property", cases, change_request=lambda b: re.sub(rb"PageNo>[0-9]+<", b"PageNo>1<", b)) as endpoint:
        certificate = await judged("property", endpoint, cases)
    assert failed(certificate, "several_pages").got.startswith("invalid.")
    assert {line.verdict for line in certificate.lines if line.case == "found" and line.check == "case"} == {"passed"}


@pytest.mark.parametrize("rows_on_a_page", [100, 1000], ids=["smaller", "larger"])
async def test_a_register_that_ignores_the_page_size_is_not_believed(rows_on_a_page: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The protocol fixes how many pages so many rows make: with more or fewer of them something may have been left out."""
    monkeypatch.setattr(property_register, "_PAGE_ROWS", rows_on_a_page)
    cases = some("property", "several_pages", "found", "nothing_found")
    async with broken("property", cases) as endpoint:
        certificate = await judged("property", endpoint, cases)
    assert failed(certificate, "several_pages").got.startswith("invalid.contradiction")
    assert {line.verdict for line in certificate.lines if line.case == "found" and line.check == "case"} == {"passed"}


async def test_records_that_differ_are_told_by_their_place() -> None:
    cases = some("deposits", "found", "nothing_found")
    wire = {"账户": {"B01": [{**cases["found"].wire["账户"]["B01"][0], "balance": "1.00"}]}}  # type: ignore[index]
    other = {**cases, "found": cases["found"].model_copy(update={"wire": wire})}
    async with serve_registers({"deposits": other}, SandboxOptions(ready_after_seconds=0.3), clock=clock) as endpoints:
        certificate = await judged("deposits", endpoints["deposits"], cases)
    assert failed(certificate, "found").got == "another value at record 0.fields.balance_minor_units"


async def test_an_endpoint_that_is_not_there_passes_nothing() -> None:
    certificate = await judged("vehicle", Endpoint(base_url="http://127.0.0.1:9"), some("vehicle", "found", "nothing_found"))
    assert not certificate.passed
    assert [line.verdict for line in certificate.lines] == ["failed", "failed", "not_judged"]


def test_the_command_prints_a_certificate_and_its_exit_code_is_the_verdict(tmp_path: Path) -> None:
    with registers_of(tmp_path, "--contract-day") as sources:
        endpoint = json.loads(sources.read_bytes())["business_registration"]
        (tmp_path / "credentials.json").write_text(json.dumps(endpoint["credentials"]))
        given = ["certify", "business_registration", "--base-url", endpoint["base_url"], "--contract-day"]
        told = json.loads(run(tmp_path, *given, "--credentials", "credentials.json", "--json"))
        refused = Process(given, tmp_path)
        refused.start()
        assert refused.popen is not None
        assert refused.popen.wait(timeout=60) == 1
    assert told["passed"]
    assert told["lines_failed"] == 0
    assert "FAILED" in refused.output()
