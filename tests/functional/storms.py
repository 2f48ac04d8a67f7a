"""What happens to a service while a batch is on its way: workers that are killed or stopped, a database that restarts, a file limit."""

import os
import random
import re
import resource
import signal
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.functional.batches import Hall

MARKS = frozenset(
    {"id", "jws", "digest", "answer_digests", "question_digest", "report_id", "verification_id", "request_no", "replaces", "attempts"}
)
DIGEST = re.compile(r"[0-9a-f]{64}")
INSTANTS = ("_at", "next_look", "latest", "until")


@dataclass
class Storm:
    """Strikes again and again in a thread of its own, until the block ends. `struck` counts."""

    strike: Callable[[], None]
    between_seconds: tuple[float, float]
    seed: int
    struck: int = 0
    failures: list[Exception] = field(default_factory=list)

    @contextmanager
    def raging(self) -> Iterator[None]:
        over = threading.Event()
        thread = threading.Thread(target=self._rage, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
        assert not self.failures

    def _rage(self, over: threading.Event) -> None:
        moments = random.Random(self.seed)
        while not over.wait(moments.uniform(*self.between_seconds)):
            try:
                self.strike()
            except Exception as error:  # noqa: BLE001 - told by the thread that waits
                self.failures.append(error)
            self.struck += 1


def kill_and_replace(opened: Hall) -> Callable[[], None]:
    """Return what kills one worker in turn by kill -9 and starts another."""

    def strike() -> None:
        victim = opened.workers.pop(0)
        victim.kill()
        opened.worker()

    return strike


def stop_for_long(opened: Hall, seconds: float) -> None:
    """Stop a worker as a frozen machine is, longer than the others wait for it, and let it go on."""
    process = opened.workers[0].popen
    assert process is not None
    os.kill(process.pid, signal.SIGSTOP)
    time.sleep(seconds)
    os.kill(process.pid, signal.SIGCONT)


@contextmanager
def no_larger_files(pid: int, most_bytes: int) -> Iterator[None]:
    """Let a running process write no file beyond a size until the block ends, as a full disk or a quota does."""
    before = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, before)


def without_marks(part: Any) -> Any:
    """Return a result without what differs from run to run: ids, digests, instants and how often a register was tried."""
    if isinstance(part, Mapping):
        return {name: without_marks(value) for name, value in part.items() if name not in MARKS and not name.endswith(INSTANTS)}
    if isinstance(part, Sequence) and not isinstance(part, str):
        return [without_marks(each) for each in part]
    return None if isinstance(part, str) and DIGEST.fullmatch(part) else part


def differing(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield the places where two results differ. Never the values: there may be too many to read."""
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        for name in one:
            yield from differing(one[name], other[name], f"{path}/{name}")
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for i, (left, right) in enumerate(zip(one, other, strict=True)):
            yield from differing(left, right, f"{path}/{i}")
    elif one != other:
        yield path
