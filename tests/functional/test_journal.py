"""The registers' own journals: what was asked and told, in an order nobody can change, with people named by a keyed hash."""

import json
import zlib
from base64 import b64decode
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson

from tests.functional.conftest import Open, client_of
from tests.functional.test_recompute import complete
from verify_service.sandbox.journal import subject
from verify_service.sandbox.serve import SandboxOptions

ASKED = {"what", "no", "at", "source", "way", "name", "ticket", "digest", "subjects"}


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_bytes().splitlines()]


async def test_journals_tell_what_was_asked_and_answered(opened: Open, household: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "journal"
    async with opened(options=SandboxOptions(ready_after_seconds=3600, journal=folder)) as services:
        await complete(services, await client_of(services), household)
    key = bytes.fromhex((folder / "key").read_text("ascii"))
    members = {member["id_number"] for member in json.loads(household)["household"]["members"]}
    files = sorted(folder.glob("*.ndjson"))
    assert len(files) == 7
    for file in files:
        lines = [line for line in read(file) if line["no"] in {asked["no"] for asked in read(file) if asked.get("subjects")}]
        asked, told = ([line for line in lines if line["what"] == what] for what in ("asked", "told"))
        assert asked[0].keys() == ASKED
        assert set(asked[0]["subjects"]) == {subject(key, number) for number in members}
        assert [(line["fate"], line["status"]) for line in told] == [("whole", 200)] * len(asked)
        for line in told:
            assert sha256(zlib.decompress(b64decode(line["body"]))).hexdigest() == line["digest"]
        assert not any(number in file.read_text("utf-8") for number in members)
        assert file.stat().st_mode & 0o777 == 0o600
    assert orjson.loads(files[0].read_bytes().splitlines()[0])["no"] == 1
