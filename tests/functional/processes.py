"""Real processes of the service on loopback: started as an operator starts them, killed by pid, started again."""

import json
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.forks import Child

READY_SECONDS = 60


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Process:
    """One command of the service. Its output goes to a file, so that a full pipe cannot stop it.

    It is forked from a process that has imported the service; `anew` starts an interpreter for it, as an operator does.
    """

    arguments: Sequence[str]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    popen: Child | None = None
    module: Sequence[str] = ("verify_service.__main__",)
    anew: bool = False

    @property
    def log(self) -> Path:
        return self.folder / f"{self.arguments[0]}.log"

    def start(self) -> None:
        module, *first = self.module
        arguments = [*first, *self.arguments]
        self.popen = Child(module, arguments, folder=self.folder, environment=self.environment, out=self.log, err=self.log, anew=self.anew)

    def kill(self) -> None:
        """Kill -9, and wait until it is gone."""
        if self.popen is not None and self.popen.poll() is None:
            os.kill(self.popen.pid, signal.SIGKILL)
            self.popen.wait()

    def runs(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def stop(self) -> int:
        """Ask it to end, as an operator does; return the exit code."""
        if self.popen is None:
            return 0
        self.popen.terminate()
        return self.popen.wait(timeout=30)

    def output(self) -> str:
        """Return the end of what it printed: enough to see why it stopped."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-4000:]


def run(folder: Path, *arguments: str, anew: bool = False, **environment: str) -> str:
    """Run a command to its end and return what it printed."""
    with TemporaryDirectory() as outputs:
        out, err = Path(outputs, "out"), Path(outputs, "err")
        child = Child("verify_service.__main__", arguments, folder=folder, environment=environment, out=out, err=err, anew=anew)
        code = child.wait(timeout=120)
        assert code == 0, out.read_text("utf-8") + err.read_text("utf-8")
        return out.read_text("utf-8")


def await_ready(base_url: str, process: Process) -> None:
    """Wait until /readyz says so; fail with the log when the process ends instead."""
    until = time.monotonic() + READY_SECONDS
    while time.monotonic() < until:
        assert process.popen is not None
        assert process.popen.poll() is None, process.output()
        try:
            if httpx.get(f"{base_url}/readyz", trust_env=False, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError(process.output())


@contextmanager
def registers(folder: Path, *arguments: str, anew: bool = False) -> Iterator[Path]:
    """Serve the six simulated registers in a process of their own; yield the file that says where they are."""
    file = folder / "sources.json"
    process = Process(["sandbox", "--first-port", "0", "--out", str(file), *arguments], folder, anew=anew)
    process.start()
    until = time.monotonic() + READY_SECONDS
    while not (file.exists() and file.read_bytes().endswith(b"}")):
        assert time.monotonic() < until, process.output()
        assert process.popen is not None
        assert process.popen.poll() is None, process.output()
        time.sleep(0.05)
    try:
        yield file
    finally:
        process.kill()


@dataclass
class Installation:
    """A service with its state folder and database, of which processes come and go."""

    folder: Path
    sources: Path
    database_url: str | None = None
    port: int = field(default_factory=free_port)
    anew: bool = False

    @property
    def environment(self) -> dict[str, str]:
        """Return the settings every command of this installation shares."""
        database = {} if self.database_url is None else {"VERIFY_DATABASE_URL": self.database_url}
        return {
            "VERIFY_STATE_DIR": str(self.folder / "var"),
            "VERIFY_SOURCES_FILE": str(self.sources),
            "VERIFY_POLL_SECONDS": "0.1",
            "VERIFY_LEASE_SECONDS": "12",  # beyond the longest answer, so that only what was killed changes hands
            **database,
        }

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def command(self, *arguments: str) -> str:
        return run(self.folder, *arguments, anew=self.anew, **self.environment)

    def new_client(self, tenant: str = "example") -> dict[str, str]:
        """Make a client; on PostgreSQL the schema is brought up first, as the manual says."""
        if self.database_url is not None:
            self.command("migrate")
        return dict(json.loads(self.command("client", "new", "test", "--tenant", tenant)))

    def serve(self) -> Process:
        process = Process(["serve", "--port", str(self.port)], self.folder, self.environment, anew=self.anew)
        process.start()
        await_ready(self.base_url, process)
        return process

    def worker(self) -> Process:
        process = Process(["work"], self.folder, self.environment, anew=self.anew)
        process.start()
        return process
