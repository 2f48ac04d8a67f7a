"""The files that the house rules speak about."""

import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def files(repo_root: Path) -> list[Path]:
    """Return every file that is committed or about to be, relative to the top folder."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=repo_root, check=True, capture_output=True, text=True
    ).stdout
    return [Path(name) for name in listed.split("\0") if name and (repo_root / name).is_file()]


@pytest.fixture(scope="session")
def code(files: list[Path]) -> list[Path]:
    """Return the Python files that are shipped."""
    return [path for path in files if path.suffix == ".py" and path.parts[0] in {"src", "adapters", "migrations"}]
