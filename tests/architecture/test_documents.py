"""What documents say of the code is true where a test can tell: links, settings, credentials, sources."""

import re
from pathlib import Path

import pytest

from verify_service.domain.outcome import OutcomeClass, OutcomeCode
from verify_service.sandbox.registry import registers
from verify_service.settings import Settings

LINK = re.compile(r"\[[^\]]+\]\((?!https?://|#)(?P<target>[^)#\s]+)")
OUTCOME = re.compile(rf"`(?P<code>(?:{'|'.join(OutcomeClass)})\.[a-z_0-9]+)`")


@pytest.fixture
def documents(files: list[Path], repo_root: Path) -> dict[Path, str]:
    return {path: (repo_root / path).read_text("utf-8") for path in files if path.suffix == ".md"}


@pytest.fixture
def operations(repo_root: Path) -> str:
    return (repo_root / "docs" / "operations.md").read_text("utf-8")


def test_links_lead_somewhere(documents: dict[Path, str], repo_root: Path) -> None:
    broken = [
        f"{path}: {match['target']}"
        for path, text in documents.items()
        for match in LINK.finditer(text)
        if not (repo_root / path.parent / match["target"]).exists()
    ]
    assert not broken


def test_documents_name_only_outcomes_that_exist(documents: dict[Path, str]) -> None:
    named = {match["code"] for text in documents.values() for match in OUTCOME.finditer(text)}
    assert named
    assert named <= set(OutcomeCode)


def test_operations_lists_every_setting(operations: str) -> None:
    rows = [line.split("|")[1] for line in operations.splitlines() if line.startswith("| `VERIFY_")]
    assert set(re.findall(r"`VERIFY_([A-Z_]+)`", "".join(rows))) == {name.upper() for name in Settings.model_fields}


def test_operations_lists_every_source_with_its_credentials(operations: str) -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| `([a-z]+)://[^|]*\| (.*) \|$", operations, re.MULTILINE)
    told = {source: (scheme, set(re.findall(r"`([a-z_]+)`", names))) for source, scheme, names in rows}
    schemes = {"http": "https", "postgresql": "postgresql"}
    assert told == {source: (schemes[kind.scheme], set(kind.credentials)) for source, kind in registers().items()}
