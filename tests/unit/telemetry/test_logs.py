"""Logs never stop the work they tell of."""

import subprocess
import sys
from pathlib import Path

import pytest

FULL = Path("/dev/full")
WORK = """
import structlog
from verify_service.telemetry import configure_logging
configure_logging(level="INFO")
structlog.get_logger("test").error("chunk.failed")
print("went on")
"""


@pytest.mark.skipif(not FULL.exists(), reason="Linux has a device that is always full")
def test_a_log_that_cannot_be_written_stops_nothing() -> None:
    with FULL.open("w") as full:
        ended = subprocess.run([sys.executable, "-c", WORK], stdout=subprocess.PIPE, stderr=full, text=True, check=False)
    assert ended.stdout == "went on\n"
