"""What a process of ours runs on: its event loop (uvloop where it is installed) and how its garbage collector goes about."""

import asyncio
import gc
from time import monotonic

_COLLECTED_AFTER = (100_000, 20, 20)  # objects more than there were, then collections of the generation before

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


def lay_aside() -> None:
    """Leave what was made at the start out of later collections, and let these be few (decision 25).

    What a household or a chunk makes goes away by itself at its end; looking for cycles among it while it lives finds none.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_COLLECTED_AFTER)
