"""Request numbers are unique in the store, whoever gives them: several stores on one database stand for several processes."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from datetime import date
from functools import partial

import psycopg
import pytest

from tests.contract.storage_examples import NOW, OTHER, TENANT, accepted, client, new_id
from verify_service.domain.request_number import MOST_SERIALS, request_number
from verify_service.errors import NotFound
from verify_service.storage.encryption import new_cipher
from verify_service.storage.errors import SerialsUsedUp
from verify_service.storage.migrations import migrate
from verify_service.storage.numbering import lease
from verify_service.storage.store import Store, open_store

DAY, NEXT_DAY = date(2026, 11, 24), date(2026, 11, 25)


@pytest.fixture
async def stores(database_url: str) -> AsyncIterator[list[Store]]:
    migrate(database_url)
    cipher = new_cipher()
    opened = [await open_store(database_url, cipher=cipher) for _ in range(3)]
    await opened[0].add_client(client())
    await opened[0].add_client(client(OTHER))
    yield opened
    for store in opened:
        await store.close()


async def test_processes_at_once_give_no_number_twice(stores: list[Store]) -> None:
    one_by_one = [store.numbers.take("990101", DAY) for _ in range(70) for store in stores]
    at_once = [store.numbers.take_many("990101", DAY, 50) for store in stores]
    given = [*await asyncio.gather(*one_by_one), *(number for many in await asyncio.gather(*at_once) for number in many)]
    assert len(set(given)) == len(given) == 3 * (70 + 50)


async def test_serials_begin_with_one_for_each_region_and_day(stores: list[Store]) -> None:
    numbers = stores[0].numbers
    assert [await numbers.take("990101", DAY) for _ in range(2)] == [request_number("990101", DAY, n) for n in (1, 2)]
    assert await numbers.take("990102", DAY) == request_number("990102", DAY, 1)
    assert await numbers.take("990101", NEXT_DAY) == request_number("990101", NEXT_DAY, 1)


async def test_a_number_that_is_given_costs_no_transaction(stores: list[Store], monkeypatch: pytest.MonkeyPatch) -> None:
    store, leased = stores[0], []
    write = store._executor.write

    async def counted(operation: object, *, finishing: bool = False) -> object:
        leased.append(operation)
        return await write(operation, finishing=finishing)  # type: ignore[arg-type]

    monkeypatch.setattr(store._executor, "write", counted)
    await asyncio.gather(*(store.numbers.take("990101", DAY) for _ in range(32)))
    assert len(leased) == 1


async def test_used_up_serials_are_refused(stores: list[Store]) -> None:
    await stores[1]._executor.write(partial(lease, region="990101", day=DAY, many=MOST_SERIALS))
    with pytest.raises(SerialsUsedUp):
        await stores[0].numbers.take("990101", DAY)


async def test_verification_is_found_by_its_number_by_its_tenant_only(stores: list[Store]) -> None:
    store, number = stores[0], request_number("990101", DAY, 1)
    found = await accepted(store, request_no=number)
    assert (await store.numbered(tenant=TENANT, request_no=number)).id == found.verification_id
    assert found.request_no == number
    with pytest.raises(NotFound):
        await store.numbered(tenant=OTHER, request_no=number)


async def test_store_refuses_a_number_twice(stores: list[Store]) -> None:
    store, number = stores[0], request_number("990101", DAY, 1)
    await accepted(store, request_no=number)
    with pytest.raises((sqlite3.IntegrityError, psycopg.errors.UniqueViolation)):
        await accepted(store, request_no=number, verification_id=new_id(), now=NOW)
