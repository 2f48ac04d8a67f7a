"""How late the event loop is: what blocks it for a tenth of a second delays every household by as much."""

import asyncio
from collections import deque

_EVERY_SECONDS = 0.25
_REMEMBERED_SECONDS = 60


class LoopLag:
    """Wakes up four times a second and keeps how much later than it asked for."""

    def __init__(self) -> None:
        self._late: deque[float] = deque(maxlen=int(_REMEMBERED_SECONDS / _EVERY_SECONDS))

    @property
    def worst(self) -> float:
        """Return the most seconds that a wake-up of the last minute was late."""
        return max(self._late, default=0.0)

    async def watch(self) -> None:
        """Watch until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            wanted = loop.time() + _EVERY_SECONDS
            await asyncio.sleep(_EVERY_SECONDS)
            self._late.append(max(0.0, loop.time() - wanted))
