"""The loop that commands run on tells durations as asyncio's own does."""

import asyncio
import sys
from time import monotonic

import pytest

from verify_service.process import new_event_loop


async def times() -> list[float]:
    """Return readings of the loop's clock within one turn of it, between two readings of the monotonic clock."""
    loop = asyncio.get_running_loop()
    return [monotonic(), *(loop.time() for _ in range(1000)), monotonic()]


def test_its_clock_does_not_stand_still_within_a_turn() -> None:
    """Durations shorter than a millisecond, of work that never yields, are durations too."""
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        told = runner.run(times())
    assert told == sorted(told)
    assert len(set(told)) > len(told) // 2


def test_a_deadline_told_by_its_clock_is_kept() -> None:
    """A timer counts from the clock that the deadline was taken from."""

    async def wait() -> float:
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout_at(began + 0.05):
                await asyncio.Event().wait()
        return loop.time() - began

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        assert runner.run(wait()) >= 0.049  # libuv's timers count whole milliseconds


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for it")
def test_it_is_the_fast_one_where_that_exists() -> None:
    """What pyproject.toml requires is what commands run on."""
    loop = new_event_loop()
    loop.close()
    assert "uvloop" in {base.__module__.partition(".")[0] for base in type(loop).mro()}
