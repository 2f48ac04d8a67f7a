"""The event loop that commands run on: uvloop where it is installed, with a clock that durations can be taken from."""

import asyncio
from time import monotonic

try:
    import uvloop
except ImportError:  # not made for every platform

    def new_event_loop() -> asyncio.AbstractEventLoop:
        """Return asyncio's own loop."""
        return asyncio.new_event_loop()

else:

    class _Loop(uvloop.Loop):
        """uvloop's own clock counts whole milliseconds and stands still within a turn of the loop; asyncio's does neither."""

        def time(self) -> float:
            """Return seconds of the monotonic clock, as asyncio's loop does."""
            return monotonic()

    def new_event_loop() -> asyncio.AbstractEventLoop:
        """Return a loop on libuv; its timers count from the same monotonic clock."""
        return _Loop()
