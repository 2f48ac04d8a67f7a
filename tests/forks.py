"""Processes forked from one that has imported the service, so that a run of tests pays for importing it once, not once a process.

A fork shares with its siblings what importing made, the seed of hashes too; nothing else. What is about starting itself starts anew.
"""

import importlib
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(["verify_service.__main__"])


class Child:
    """A forked process, in the words of `subprocess.Popen`. One that is left over is ended with the run."""

    def __init__(
        self, module: str, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str], out: Path, err: Path, anew: bool
    ) -> None:
        for file in (out, err):
            file.touch()
        call = (module, [module, *arguments], folder, {**os.environ, **environment}, (out, err), anew)
        self._process = FORKS.Process(target=_become, args=call, daemon=True)
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return the exit code, or the negative number of the signal it died by; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises TimeoutError when it still runs."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
        return code

    def terminate(self) -> None:
        """Ask it to end, as an operator does."""
        os.kill(self.pid, signal.SIGTERM)


def _become(module: str, argv: list[str], folder: Path, environment: Mapping[str, str], outputs: tuple[Path, Path], anew: bool) -> None:
    """Be `python -m module`, its outputs in files: in the child's own interpreter, or, anew, in a new one."""
    os.chdir(folder)
    for number, file in enumerate(outputs, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_APPEND), number)
    if anew:
        os.execve(sys.executable, [sys.executable, "-m", module, *argv[1:]], environment)  # noqa: S606 - it is the child that becomes it
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = argv
    importlib.import_module(module).main()
