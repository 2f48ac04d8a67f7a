"""Start an installed service in a folder of its own, ask it one real question over HTTP, stop it.

Usage: smoke.py COMMAND REQUEST. Standard library only: it runs beside an installation that holds nothing but the service.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.error import URLError
from urllib.request import ProxyHandler, Request, build_opener

READY_SECONDS = 60
ANSWER_SECONDS = 60
STOP_SECONDS = 30
POLL_SECONDS = 0.2
ours = build_opener(ProxyHandler({}))  # the service is on this machine, whatever the environment says about proxies


def main(command: Path, request: Path) -> None:
    """Exit with a sentence and the service's log where a step fails."""
    with tempfile.TemporaryDirectory() as folder, Path(folder, "log").open("w+", encoding="utf-8") as log:
        port = free_port()
        arguments = [str(command), "serve", "--sandbox", "--port", str(port)]
        service = subprocess.Popen(arguments, cwd=folder, env=clean_environment(), stdout=log, stderr=subprocess.STDOUT)  # noqa: S603 - ours
        try:
            await_ready(service, port)
            verify(port, Path(folder, "var", "sandbox-client.json"), request.read_bytes())
            stop(service)
        except BaseException:
            log.seek(0)
            sys.stderr.write(log.read())
            raise
        finally:
            service.kill()
            service.wait()
    print("smoke: the installed service became ready, verified a household and stopped")


def free_port() -> int:
    """Return a port that nobody listened on a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def clean_environment() -> dict[str, str]:
    """Return the environment without settings of another service."""
    return {name: value for name, value in os.environ.items() if not name.upper().startswith("VERIFY_")}


def await_ready(service: subprocess.Popen[bytes], port: int) -> None:
    """Poll /readyz until it says yes. Exits if the service ends or takes too long."""
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if service.poll() is not None:
            sys.exit(f"smoke: the service ended with {service.returncode} before it was ready")
        try:
            ours.open(f"http://127.0.0.1:{port}/readyz", timeout=POLL_SECONDS * 10).close()
        except (URLError, ConnectionError, TimeoutError):  # not listening yet, or 503
            time.sleep(POLL_SECONDS)
        else:
            return
    sys.exit(f"smoke: not ready after {READY_SECONDS} s")


def verify(port: int, client: Path, household: bytes) -> None:
    """Ask for health, then for one verification. Raises HTTPError for an error answer."""
    ours.open(f"http://127.0.0.1:{port}/healthz", timeout=ANSWER_SECONDS).close()
    headers = {
        "Authorization": f"Bearer {json.loads(client.read_bytes())['access_token']}",
        "Content-Type": "application/json",
        "Idempotency-Key": "smoke-1",
        "Prefer": "wait=30",
    }
    question = Request(f"http://127.0.0.1:{port}/v1/verifications", data=household, headers=headers, method="POST")
    with ours.open(question, timeout=ANSWER_SECONDS) as answer:
        body = json.load(answer)
        if answer.status != 200 or not body.get("jws"):
            sys.exit(f"smoke: status {answer.status}, and {'a' if body.get('jws') else 'no'} signed report")


def stop(service: subprocess.Popen[bytes]) -> None:
    """Ask the service to end, as a container engine would. Raises TimeoutExpired if it does not."""
    service.terminate()
    service.wait(STOP_SECONDS)


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute(), Path(sys.argv[2]).absolute())
