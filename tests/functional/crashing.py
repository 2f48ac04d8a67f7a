"""The service's own commands in a process that dies by kill -9 at a named point.

    python -m tests.functional.crashing POINT COMMAND [ARGUMENT ...]

POINT is `<step>:before:<n>` or `<step>:after:<n>`: the n-th time that a step of the batch store is about to begin, or is
durable. `none` dies nowhere. Dead workers are noticed after two seconds here, so that a test need not wait for thirty.
"""

import os
import signal
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from verify_service import __main__ as commands
from verify_service.bulk import batch_worker
from verify_service.storage.batches import BatchStore

DEAD_AFTER_SECONDS = 2.0


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crashing(step: Callable[..., Awaitable[Any]], moment: str, nth: int) -> Callable[..., Awaitable[Any]]:
    """Return the step, deadly the n-th time. A step that found nothing to do does not count."""
    left = nth

    async def wrapped(self: BatchStore, *arguments: Any, **named: Any) -> Any:
        nonlocal left
        if moment == "before":
            left -= 1
            if left == 0:
                die()
            return await step(self, *arguments, **named)
        done = await step(self, *arguments, **named)
        left -= done not in ([], False)
        if left == 0:
            die()
        return done

    return wrapped


def main() -> None:
    point, *sys.argv[1:] = sys.argv[1:]
    batch_worker.DEAD_AFTER_SECONDS = DEAD_AFTER_SECONDS
    batch_worker._BEAT_SECONDS = 0.5
    if point != "none":
        name, moment, nth = point.split(":")
        setattr(BatchStore, name, crashing(getattr(BatchStore, name), moment, int(nth)))
    commands.main()


if __name__ == "__main__":
    main()
