"""Hostile JSON and XML: refused, within a second, in 64 MiB, and nobody is called."""

import json
import socket
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import pytest

from tests.unit.sources.attacks import hostile_json, hostile_xml

MOST_CPU_SECONDS, MOST_GROWTH_MIB = 1.0, 64.0
REFUSED = [("json", name) for name in hostile_json.REFUSED] + [("xml", name) for name in hostile_xml.REFUSED]
READ = [("json", name) for name in hostile_json.LARGE] + [("xml", name) for name in hostile_xml.HARMLESS]
Results = Mapping[tuple[str, str], Mapping[str, Any]]


@pytest.fixture(scope="module")
def called() -> Any:
    """Listen where the hostile texts point to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener


@pytest.fixture(scope="module")
def results(called: socket.socket) -> Results:
    """Strike with everything once."""
    target = f"http://127.0.0.1:{called.getsockname()[1]}/hostile"
    command = [sys.executable, "-m", "tests.unit.sources.attacks.strike", target]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return {(line["language"], line["name"]): line for line in found}


@pytest.mark.parametrize("text", REFUSED, ids=" ".join)
def test_refused(results: Results, text: tuple[str, str]) -> None:
    assert results[text]["verdict"] == "refused"


@pytest.mark.parametrize("text", READ, ids=" ".join)
def test_what_is_only_large_or_only_points_elsewhere_does_no_harm(results: Results, text: tuple[str, str]) -> None:
    assert results[text]["verdict"] in {"read", "refused"}


@pytest.mark.parametrize("text", REFUSED + READ, ids=" ".join)
def test_nothing_hangs_or_grows(results: Results, text: tuple[str, str]) -> None:
    assert results[text]["cpu_seconds"] <= MOST_CPU_SECONDS
    assert results[text]["grown_mib"] <= MOST_GROWTH_MIB


def test_nobody_was_called(results: Results, called: socket.socket) -> None:
    assert results
    with pytest.raises(BlockingIOError):
        called.accept()
