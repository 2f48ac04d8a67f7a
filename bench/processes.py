"""Processes under measurement: started on loopback, their CPU and memory read from /proc (Linux), ended by pid."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")
_READY_SECONDS = 30


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return int(door.getsockname()[1])


@dataclass(frozen=True, slots=True)
class Process:
    """A running process and the file its output goes to."""

    popen: subprocess.Popen[bytes]
    log: Path

    def cpu_seconds(self) -> float:
        """Return user and system time of all its threads since its start, to one tick (10 ms)."""
        fields = Path(f"/proc/{self.popen.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_SECOND

    def peak_mib(self) -> float:
        """Return the largest resident memory it ever had."""
        status = Path(f"/proc/{self.popen.pid}/status").read_text(encoding="ascii")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def await_that(self, ready: Callable[[], bool]) -> None:
        """Wait until it is ready. Raises RuntimeError with its output when it ends instead or takes too long."""
        until = time.monotonic() + _READY_SECONDS
        while time.monotonic() < until and self.popen.poll() is None:
            if ready():
                return
            time.sleep(0.05)
        raise RuntimeError(self.log.read_text(encoding="utf-8", errors="replace"))

    def await_port(self, port: int) -> None:
        """Wait until something listens."""
        self.await_that(lambda: _listens(port))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def running(folder: Path, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Process]:
    """Run `python -m module arguments` in a folder until the block ends."""
    log = folder / f"{module}.{arguments[0] if arguments else ''}.log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", module, *arguments]
        popen = subprocess.Popen(command, cwd=folder, env=_environment(environment), stdout=output, stderr=subprocess.STDOUT)
    try:
        yield Process(popen, log)
    finally:
        popen.terminate()
        try:
            popen.wait(timeout=10)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()


def command(folder: Path, module: str, *arguments: str, environment: Mapping[str, str] | None = None) -> bytes:
    """Run a command to its end and return what it printed. Raises CalledProcessError."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments], cwd=folder, env=_environment(environment), capture_output=True, check=True
    ).stdout


def _environment(own: Mapping[str, str] | None) -> dict[str, str]:
    root = Path(__file__).resolve().parent.parent
    # This checkout, whatever is installed.
    folders = (root / "src", root / "adapters", root)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders)), **(own or {})}
