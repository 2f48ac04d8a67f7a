"""The table from error to problem is whole, and what befalls the store or the code is told without details."""

import sqlite3

import psycopg
import pytest
import sqlalchemy.exc
from fastapi.exceptions import RequestValidationError

import verify_service.api.refusals
import verify_service.errors
from tests.api.house import House
from verify_service.api.describe import problems
from verify_service.api.problems import BY_CODE, KINDS, kind_of
from verify_service.errors import ConfigurationError, InvalidInput, NotFound, SignatureInvalid, VerifyError
from verify_service.storage.errors import LostLease, StoreBusy

# SignatureInvalid is an answer of /v1/reports/verify; a service with unusable settings does not start.
NO_PROBLEM = {VerifyError, SignatureInvalid, ConfigurationError}


def test_every_error_of_ours_has_its_kind() -> None:
    listed = {error for kind in KINDS for error in kind.errors}
    for module in (verify_service.errors, verify_service.api.refusals):
        ours = {thing for thing in vars(module).values() if isinstance(thing, type) and issubclass(thing, VerifyError)}
        assert ours - NO_PROBLEM <= listed


def test_codes_are_unique_and_so_are_errors() -> None:
    assert len(BY_CODE) == len(KINDS)
    errors = [error for kind in KINDS for error in kind.errors]
    assert len(set(errors)) == len(errors)


def test_every_kind_can_be_described() -> None:
    described = problems(*BY_CODE)
    assert set(described) == {kind.status for kind in KINDS}


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput.at("/x", "rule", "detail"), "invalid-request"),
        (InvalidInput.at("", "json_syntax", "detail", code="invalid-json"), "invalid-json"),
        (NotFound("x"), "not-found"),
        (LostLease("x"), "still-running"),
        (RequestValidationError([{"input": "x"}]), "invalid-request"),
        (sqlite3.OperationalError("database is locked"), "unavailable"),
        (sqlalchemy.exc.OperationalError("SELECT 1", {}, Exception("x")), "unavailable"),
        (sqlalchemy.exc.TimeoutError(), "unavailable"),
        (sqlite3.OperationalError("disk is full"), "unavailable"),
        (psycopg.errors.AdminShutdown("terminating connection"), "unavailable"),
        (StoreBusy(), "unavailable"),
        (psycopg.errors.UniqueViolation("duplicate key"), "internal"),
        (sqlalchemy.exc.IntegrityError("INSERT", {}, Exception("x")), "internal"),
        (ConfigurationError("x"), "internal"),
        (RuntimeError("x"), "internal"),
    ],
)
def test_kind_of_an_error(error: Exception, code: str) -> None:
    assert kind_of(error).code == code


@pytest.mark.parametrize("operation", ["accept", "issue"])
async def test_store_out_of_reach_is_told_as_such(house: House, operation: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def unreachable(**_: object) -> None:
        raise sqlite3.OperationalError("disk I/O error in 990101197905120019")

    async def unreachable_issue(_: object) -> None:
        await unreachable()

    monkeypatch.setattr(house.services.store, operation, unreachable if operation == "accept" else unreachable_issue)
    answer = await house.post()
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "disk" not in answer.text
