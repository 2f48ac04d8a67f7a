"""Who may import whom, and that what is generated is what is committed: the tools themselves, run as `make check` runs them."""

import subprocess
import sys
from pathlib import Path

import pytest

LINT_IMPORTS = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
GENERATE = [sys.executable, "-m", "verify_service", "generate", "--check"]


@pytest.mark.slow
@pytest.mark.parametrize("command", [pytest.param(LINT_IMPORTS, id="imports"), pytest.param(GENERATE, id="generated")])
def test_house_rule_holds(command: list[str], repo_root: Path) -> None:
    run = subprocess.run(command, cwd=repo_root, check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
