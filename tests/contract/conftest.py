"""A store with a client of each of two tenants, on both engines."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.contract.storage_examples import OTHER, TENANT, client
from verify_service.storage.encryption import new_cipher
from verify_service.storage.migrations import migrate
from verify_service.storage.store import Store, open_store


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    await asyncio.to_thread(migrate, database_url)
    opened = await open_store(database_url, cipher=new_cipher())
    for tenant in (TENANT, OTHER):
        await opened.add_client(client(tenant))
    yield opened
    await opened.close()
