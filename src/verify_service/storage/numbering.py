"""Serials of request numbers (核对编号): every process leases blocks of a region's day, so that giving one costs no transaction.

A lease is one statement on one row, in a transaction of its own that holds nothing else, whatever the engine. Serials that a
process leased and did not give are left out for good: a number names a verification, it does not count them.
"""

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from functools import partial

from sqlalchemy import Connection, bindparam
from sqlalchemy.dialects import postgresql, sqlite

from verify_service.domain.request_number import MOST_SERIALS, request_number
from verify_service.storage.errors import SerialsUsedUp
from verify_service.storage.executor import Executor
from verify_service.storage.tables import request_serials

_BLOCK = 32
_SQLITE, _POSTGRESQL = sqlite.insert(request_serials), postgresql.insert(request_serials)
_KEY, _MORE = ["region", "day"], {"leased": request_serials.c.leased + bindparam("many")}
_LEASE = {
    "sqlite": _SQLITE.on_conflict_do_update(index_elements=_KEY, set_=_MORE).returning(request_serials.c.leased),
    "postgresql": _POSTGRESQL.on_conflict_do_update(index_elements=_KEY, set_=_MORE).returning(request_serials.c.leased),
}


@dataclass(slots=True)
class _Block:
    """Serials leased and not given yet: `following` to `last`."""

    following: int = 1
    last: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class RequestNumbers:
    """Gives request numbers that are unique in the store. Use it from one event loop."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._blocks: dict[tuple[str, date], _Block] = defaultdict(_Block)

    async def take(self, region: str, day: date) -> str:
        """Return the next number of a region's day. Raises SerialsUsedUp, StoreBusy."""
        return (await self.take_many(region, day, 1))[0]

    async def take_many(self, region: str, day: date, many: int) -> list[str]:
        """Return as many, in order. Raises SerialsUsedUp, StoreBusy."""
        block = self._blocks[region, day]
        if block.last - block.following + 1 < many:
            async with block.lock:
                await self._fill(block, region, day, many)
        first, block.following = block.following, block.following + many
        return [request_number(region, day, serial) for serial in range(first, first + many)]

    async def _fill(self, block: _Block, region: str, day: date, many: int) -> None:
        """Lease a block that has as many, unless somebody else has by now; what is left of the old one is passed over."""
        if block.last - block.following + 1 >= many:
            return
        size = max(_BLOCK, many)
        last = await self._executor.write(partial(lease, region=region, day=day, many=size))
        if last > MOST_SERIALS:
            raise SerialsUsedUp
        block.following, block.last = last - size + 1, last
        self._forget(day)

    def _forget(self, day: date) -> None:
        """Let go of blocks of other days, which nobody takes from any more, save for a batch that was accepted then."""
        for key in [key for key, block in self._blocks.items() if key[1] != day and not block.lock.locked()]:
            del self._blocks[key]


def lease(connection: Connection, *, region: str, day: date, many: int) -> int:
    """Lease the next `many` serials of a region's day and return the last of them."""
    values = {"region": region, "day": f"{day:%Y%m%d}", "leased": many, "many": many}
    return int(connection.execute(_LEASE[connection.dialect.name], values).scalar_one())
