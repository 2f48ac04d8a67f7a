"""How an upload is staged while it is read: nothing is under way when reading ends, however it ends."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from verify_service.bulk.household import Broken, ReadHousehold
from verify_service.bulk.intake import Intake
from verify_service.errors import InvalidInput
from verify_service.storage.batch_records import NewBatch, Staged
from verify_service.storage.errors import StoreBusy

NOW = datetime(2026, 11, 25, tzinfo=UTC)


class Rows:
    """A reader that takes each byte for a bad household, and `!` for a file that cannot be read."""

    is_whole, encoding = False, "utf-8"

    def feed(self, data: bytes) -> list[ReadHousehold]:
        if b"!" in data:
            raise InvalidInput.at("", "encoding", "UTF-8")
        return [ReadHousehold(1, None, [Broken(1, "", "required")]) for _ in data]

    def end(self) -> list[ReadHousehold]:
        return []


class Disk:
    """Where rows are staged: slow, and full after so many writes. Knows how many are under way."""

    def __init__(self, room: int) -> None:
        self.room, self.under_way, self.most = room, 0, 0
        self.numbers: list[int] = []

    async def stage(self, _batch: NewBatch, staged: Staged) -> None:
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        try:
            for _ in range(5):
                await asyncio.sleep(0)
            if len(self.numbers) // 2 >= self.room:
                raise StoreBusy
            self.numbers += [rejection.no for rejection in staged.rejections]
        finally:
            self.under_way -= 1


def intake(disk: Disk) -> Intake:
    limits = SimpleNamespace(max_batch_bytes=1000, max_batch_rows=1000, chunk_rows=2)
    services: Any = SimpleNamespace(limits=limits, store=SimpleNamespace(batches=disk))
    client: Any = None
    return Intake(services, client, Rows(), NewBatch("b", "t", "c", "csv", NOW, None), NOW)  # type: ignore[arg-type]


async def stream(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def test_everything_is_on_the_disk_in_order_when_reading_ends() -> None:
    disk = Disk(room=100)
    await intake(disk).read(stream(b"abc", b"defg"))
    assert disk.numbers == [1, 2, 3, 4, 5, 6, 7]
    assert (disk.under_way, disk.most) == (0, 1)


@pytest.mark.parametrize("pieces", [(b"ab",), (b"abcd",), (b"ab", b"cdefg")])
async def test_what_cannot_be_staged_fails_the_upload(pieces: tuple[bytes, ...]) -> None:
    disk = Disk(room=0)
    with pytest.raises(StoreBusy):
        await intake(disk).read(stream(*pieces))
    assert disk.under_way == 0


async def test_a_file_that_cannot_be_read_leaves_nothing_under_way() -> None:
    disk = Disk(room=100)
    with pytest.raises(InvalidInput):
        await intake(disk).read(stream(b"ab", b"!"))
    assert disk.under_way == 0
