"""The databases that tests get are real, empty and their own."""

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import create_async_engine


@pytest.mark.parametrize("_run", [1, 2])
async def test_every_test_gets_an_empty_database(database_url: str, _run: int) -> None:
    engine = create_async_engine(database_url)
    async with engine.begin() as connection:
        await connection.execute(text("CREATE TABLE proof (n INTEGER)"))
        assert (await connection.execute(text("SELECT count(*) FROM proof"))).scalar_one() == 0
    await engine.dispose()
