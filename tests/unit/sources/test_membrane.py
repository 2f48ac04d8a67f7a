"""The table of foreign exceptions: every class of the libraries under us becomes one of our outcomes, before and after the head."""

from collections.abc import Iterator

import aiohttp
import httpx
import psycopg
import pytest

from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.sources.membrane import FOREIGN, from_database, from_transport

ROOTS = (httpx.HTTPError, httpx.StreamError, aiohttp.ClientError, OSError, UnicodeError)
BEFORE = {OutcomeCode.CONNECTION, OutcomeCode.TIMEOUT, OutcomeCode.ENCODING}


def classes(*roots: type[BaseException]) -> Iterator[type[BaseException]]:
    for root in roots:
        yield root
        yield from classes(*root.__subclasses__())


def bare(kind: type[Exception]) -> Exception:
    """Build an exception without knowing what it wants to be told."""
    return kind.__new__(kind)


def name_of(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__name__}"


FOREIGN_CLASSES = sorted({kind for kind in classes(*ROOTS) if issubclass(kind, Exception)}, key=name_of)
DATABASE_CLASSES = sorted(set(classes(psycopg.Error)), key=name_of)


@pytest.mark.parametrize("kind", FOREIGN_CLASSES, ids=name_of)
def test_every_foreign_exception_has_an_outcome(kind: type[Exception]) -> None:
    assert issubclass(kind, FOREIGN)
    before, after = from_transport(bare(kind), began=False), from_transport(bare(kind), began=True)
    assert before.code in BEFORE
    assert after.code in {OutcomeCode.TIMEOUT, OutcomeCode.TRUNCATED}
    assert before.code.outcome_class in {OutcomeClass.UNAVAILABLE, OutcomeClass.INVALID}
    assert (before.code is OutcomeCode.ENCODING) is (before.failed_by == "us")


@pytest.mark.parametrize("kind", DATABASE_CLASSES, ids=name_of)
def test_every_database_exception_has_an_outcome(kind: type[psycopg.Error]) -> None:
    failure = from_database(kind())
    assert failure.code in {OutcomeCode.CONNECTION, OutcomeCode.SCHEMA, OutcomeCode.NOT_AUTHORISED, OutcomeCode.RATE_LIMITED}
    assert (failure.code is OutcomeCode.RATE_LIMITED) is (kind.sqlstate or "").startswith("53")
