"""A batch from file to signed results, with real processes on both databases."""

import csv
import io
import json
from collections import Counter
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.functional.batches import CSV, BatchClient, hall, payload
from verify_service.bulk.forms import MEDIA_TYPES
from verify_service.bulk.manifest import leaf
from verify_service.bulk.merkle import leaf_hash, root_from_proof
from verify_service.signing.verification import verify


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database(request: pytest.FixtureRequest) -> str | None:
    return None if request.param == "sqlite" else str(request.getfixturevalue("pg_database_url"))


def damaged(example: bytes) -> bytes:
    """Return the twenty households with three bad lines among them and one household twice."""
    lines = example.splitlines()
    lines[3:3] = [b'{"purpose": "01"}', b"not json"]
    lines[10] = lines[10].replace(b'"purpose":"', b'"purpose":"9', 1)
    return b"\n".join([*lines, lines[0]])


def proven(client: BatchClient, batch: dict[str, Any], row: dict[str, Any]) -> None:
    """Hold a row's proof against the signed manifest."""
    tree = payload(batch["manifest"])["tree"]
    proof = client.http.get(f"/v1/batches/{batch['id']}/rows/{row['row']}/proof").raise_for_status().json()
    hashed = leaf_hash(leaf(row["row"], row["state"], row["digest"]))
    path = [bytes.fromhex(step) for step in proof["path"]]
    root = root_from_proof(hashed, row["row"] - 1, tree["size"], path)
    assert root is not None
    assert root.hex() == tree["root"]


def test_batch_from_file_to_results(tmp_path: Path, database: str | None, repo_root: Path) -> None:
    content = damaged((repo_root / "examples" / "batch.ndjson").read_bytes())
    with hall(tmp_path, database, VERIFY_CHUNK_ROWS="7") as opened:
        client = opened.client
        receipt = client.submit(content, key="first").json()
        assert receipt["rows_in"] == 23
        assert receipt["digest"] == sha256(content).hexdigest()
        opened.worker()
        batch = client.await_completed(receipt["batch_id"])
        results, errors = client.results(batch["id"]), client.errors(batch["id"])
        counted = Counter(row["state"] for row in results)
        assert batch["results"] == {name: counted.get(name, 0) for name in ("final", "partial", "rejected", "cancelled")}
        assert sum(batch["results"].values()) == batch["rows_in"] == len(results)
        assert [row["row"] for row in results] == list(range(1, 24))
        assert {error["row"] for error in errors} == {row["row"] for row in results if row["state"] == "rejected"} == {1, 4, 5, 11, 23}
        assert {error["rule"] for error in errors if error["row"] in {1, 23}} == {"repeated_reference"}
        assert counted["final"] >= 10
        keys = client.http.get("/.well-known/jwks.json").json()
        for row in results:
            if row["jws"] is not None:
                assert verify(row["jws"], keys).report == row["report"]
                assert sha256(json_bytes(row["jws"])).hexdigest() == row["digest"]
                assert row["request_no"] == row["report"]["header"]["request_no"]
            proven(client, batch, row)
        assert len({row["request_no"] for row in results if row["jws"]}) == counted["final"] + counted["partial"]
        assert client.results(batch["id"], after=20) == results[20:]
        assert client.submit(content, key="first").json() == receipt
        assert client.submit(content + b"\n" + content, key="first").status_code == 422
        assert client.batch(batch["id"]) == batch


def json_bytes(jws: str) -> bytes:
    from base64 import urlsafe_b64decode

    body = jws.split(".")[1]
    return urlsafe_b64decode(body + "=" * (-len(body) % 4))


def test_csv_and_its_errors_file(tmp_path: Path, repo_root: Path) -> None:
    lines = (repo_root / "examples" / "batch.csv").read_text("utf-8").splitlines()
    lines[3] = lines[3].replace("990102193404260070", "990102193404260071")
    with hall(tmp_path, None) as opened:
        client = opened.client
        content = "\r\n".join(lines).encode("gb18030")
        trial = client.submit(content, kind=CSV, validate_only="true").json()
        assert (trial["rows_in"], trial["rejected"], trial["encoding"]) == (20, 1, "gb18030")
        receipt = client.submit(content, kind=CSV).json()
        assert {name: receipt[name] for name in ("digest", "rows_in")} == {name: trial[name] for name in ("digest", "rows_in")}
        opened.worker()
        batch = client.await_completed(receipt["batch_id"])
        text = client.http.get(f"/v1/batches/{batch['id']}/errors").text
        assert list(csv.reader(io.StringIO(text, newline=""))) == [
            ["row", "line", "place", "rule"],
            ["2", "4", "member.id_number", "gb_11643"],
        ]
        table = client.http.get(f"/v1/batches/{batch['id']}/results", headers={"accept": CSV}).text
        rows = list(csv.DictReader(io.StringIO(table, newline="")))
        assert [row["client_reference"] for row in rows[2:]] == [f"SHILI-2026-{n:06d}" for n in range(203, 221)]
        assert {row["state"] for row in rows} == {"final", "partial", "rejected"}
        assert json.loads(client.http.get(f"/v1/batches/{batch['id']}/events").text.split("data: ")[1].splitlines()[0])["id"] == batch["id"]


def test_template_is_accepted_as_it_stands(tmp_path: Path) -> None:
    with hall(tmp_path, None) as opened:
        for form, kind in MEDIA_TYPES.items():
            template = opened.client.http.get(f"/v1/batches/templates/{form}").raise_for_status()
            assert template.headers["content-type"].startswith(kind)
            trial = opened.client.submit(template.content, kind=kind, validate_only="true").json()
            assert (trial["rows_in"], trial["rejected"]) == (1, 0)
        assert opened.client.http.get("/v1/batches/templates/doc").status_code == 404


def test_commands(tmp_path: Path, repo_root: Path) -> None:
    """A batch from the command line: tried out, handed in and watched, its results and errors fetched; cancelled too late."""
    example = (repo_root / "examples" / "batch.ndjson").read_bytes().splitlines(keepends=True)
    (tmp_path / "county.ndjson").write_bytes(b"".join([*example[:3], b"{}\n"]))
    with hall(tmp_path, None) as opened:
        access = {"base_url": opened.place.base_url, "access_token": opened.client.http.headers["authorization"].removeprefix("Bearer ")}
        (tmp_path / "access.json").write_text(json.dumps(access), encoding="utf-8")

        def command(*arguments: str) -> str:
            return opened.place.command("batch", *arguments, "--access", "access.json")

        assert json.loads(command("submit", "county.ndjson", "--validate-only"))["rejected"] == 1
        opened.worker()
        done = json.loads(command("submit", "county.ndjson", "--watch"))
        assert (done["state"], done["rows_in"], done["results"]["rejected"]) == ("completed", 4, 1)
        command("results", done["id"], "results.csv")
        command("errors", done["id"], "errors.ndjson")
        assert (tmp_path / "results.csv").read_text("utf-8").count("\n") == 5
        errors = [json.loads(line) for line in (tmp_path / "errors.ndjson").read_bytes().splitlines()]
        assert {error["row"] for error in errors} == {4}
        assert json.loads(command("watch", done["id"])) == done
        with pytest.raises(AssertionError, match="409"):
            command("cancel", done["id"])
