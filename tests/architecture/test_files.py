"""Rules about files: their size, what may not stand in them, and facts that stand in two places."""

import re
import tomllib
from pathlib import Path

import pytest

import verify_service

MOST_LINES = 300
# A longer file is one idea that would be harder to read in pieces; say which.
LONGER_FILES: dict[str, str] = {
    "src/verify_service/domain/catalogue.py": "one idea: the table of finding codes, an entry a code",
    "src/verify_service/sandbox/population/truth.py": "one idea: what is true of a synthetic person, a data class per kind of fact",
}

# Broken up so that this file does not break its own rule.
OF_A_MACHINE = re.compile(
    r"(?<![\w.$}])/(?:w[o]rk|r[o]ot|f[a]rm|h[o]me)/"  # where somebody's work tree lies
    r"|/opt/(?:w[h]eels|p[y]pi)"  # where a machine keeps packages
    r"|p[y]thonhosted|p[y]pi\.org|registry\.n[p]m|deb\.d[e]bian"  # where packages come from
)
ENVIRONMENT = re.compile(r"\bos\.(?:environ|getenv)|\bfrom os import\b.*\b(?:environ|getenv)\b")
PIN = re.compile(r"^(?P<pin>[a-z0-9._-]+==\S+)(?P<rest>(?:.*\\\n)+.*)$", re.MULTILINE)
LOCKS = ("requirements.runtime.lock", "requirements.lock")


def test_long_files_have_a_reason(code: list[Path], repo_root: Path) -> None:
    long = {str(path) for path in code if (repo_root / path).read_text("utf-8").count("\n") > MOST_LINES}
    assert long == set(LONGER_FILES)


def test_only_settings_reads_the_environment(code: list[Path], repo_root: Path) -> None:
    readers = {str(path) for path in code if ENVIRONMENT.search((repo_root / path).read_text("utf-8"))}
    assert readers <= {"src/verify_service/settings.py"}


def test_no_file_names_a_machine(files: list[Path], repo_root: Path) -> None:
    found = []
    for path in files:
        text = (repo_root / path).read_bytes().decode("utf-8", "replace")
        found += [f"{path}: {match.group()}" for match in OF_A_MACHINE.finditer(text)]
    assert not found


def test_changelog_tells_of_this_version(repo_root: Path) -> None:
    version = tomllib.loads((repo_root / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    released = re.findall(r"^## \[(\d[^\]]*)\]", (repo_root / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert released[:1] == [version] == [verify_service.__version__]


def test_image_holds_the_versions_that_were_tested(repo_root: Path) -> None:
    image, tested = ({m["pin"]: m["rest"] for m in PIN.finditer((repo_root / name).read_text("utf-8"))} for name in LOCKS)
    assert image
    assert image.items() <= tested.items()


@pytest.mark.parametrize("name", LOCKS)
def test_lock_leaves_the_index_to_the_reader(name: str, repo_root: Path) -> None:
    text = (repo_root / name).read_text("utf-8")
    assert not re.search(r"--(?:extra-)?index-url|--find-links|--trusted-host|://", text)


def test_every_source_folder_is_complete(files: list[Path]) -> None:
    inside = [path.parts[2:4] for path in files if path.parts[:2] == ("adapters", "verify_adapters") and len(path.parts) > 3]
    sources = {source for source, _ in inside}
    assert sources
    assert {(source, part) for source in sources for part in ("source.toml", "adapter.py", "cases")} <= set(inside)
