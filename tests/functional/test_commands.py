"""The commands as an operator types them, in processes of their own; what is about starting and ending is started anew."""

import json
from pathlib import Path

import httpx

from tests.functional.processes import Installation, Process, await_ready, free_port, registers, run


def posted(base_url: str, token: str, household: bytes, *, prefer: str) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}", "content-type": "application/json", "prefer": prefer}
    return httpx.post(f"{base_url}/v1/verifications", content=household, headers=headers, timeout=30, trust_env=False)


def test_a_stopped_service_finishes_what_it_accepted_and_ends_well(tmp_path: Path, household: bytes) -> None:
    """SIGTERM: the 202 that was given is kept by this very process, and the exit code is 0."""
    with registers(tmp_path, anew=True) as sources:
        place = Installation(tmp_path, sources, anew=True)
        token = place.new_client()["access_token"]
        process = place.serve()
        accepted = posted(place.base_url, token, household, prefer="respond-async")
        assert accepted.status_code == 202
        assert process.stop() == 0, process.output()
        again = place.serve()
        location = accepted.headers["location"]
        seen = httpx.get(f"{place.base_url}{location}", headers={"authorization": f"Bearer {token}"}, trust_env=False).json()
        assert again.stop() == 0
    assert seen["verification"]["state"] == "partial"


def test_a_report_verifies_offline_and_is_recomputed_and_a_flipped_byte_is_refused(tmp_path: Path, household: bytes) -> None:
    with registers(tmp_path, anew=True) as sources:
        place = Installation(tmp_path, sources, anew=True)
        token = place.new_client()["access_token"]
        process = place.serve()
        answer = posted(place.base_url, token, household, prefer="wait=20")
        keys = httpx.get(f"{place.base_url}/.well-known/jwks.json", trust_env=False)
        process.stop()
    (tmp_path / "answer.json").write_bytes(answer.content)
    (tmp_path / "keys.json").write_bytes(keys.content)
    assert "signature valid" in run(tmp_path, "verify-report", "answer.json", "--jwks", "keys.json", anew=True)
    rotated = place.command("keys", "rotate")
    assert "now signing with" in rotated
    assert "signature valid" in place.command("verify-report", "answer.json")
    assert "identical" in place.command("recompute", answer.json()["report"]["header"]["report_id"], "--tenant", "example")
    forged = answer.json()["jws"]
    (tmp_path / "forged").write_text(forged[:-8] + ("A" if forged[-8] != "A" else "B") + forged[-7:])
    process = Process(["verify-report", "forged", "--jwks", "keys.json"], tmp_path, anew=True)
    process.start()
    assert process.popen is not None
    assert process.popen.wait(timeout=30) == 1
    assert "bad_signature" in process.output()


def test_a_stopped_service_lets_go_of_who_follows(tmp_path: Path, household: bytes) -> None:
    """SIGTERM ends an open event stream as a stream ends, not as a connection breaks."""
    with registers(tmp_path, anew=True) as sources:
        place = Installation(tmp_path, sources, anew=True)
        token = place.new_client()["access_token"]
        process = place.serve()
        verification = posted(place.base_url, token, household, prefer="wait=20").json()["verification"]["id"]
        path = f"{place.base_url}/v1/verifications/{verification}/events"
        with httpx.stream("GET", path, headers={"authorization": f"Bearer {token}"}, timeout=30, trust_env=False) as stream:
            lines = stream.iter_lines()
            assert any('"state":"partial"' in line for line in lines)
            assert process.popen is not None
            process.popen.terminate()
            assert not any(line.startswith("data:") for line in lines)
        assert process.popen.wait(timeout=30) == 0


def test_clients_are_made_for_a_purpose_listed_and_disabled(tmp_path: Path) -> None:
    place = Installation(tmp_path, tmp_path / "sources.json", anew=True)
    place.sources.write_text("{}")
    welfare = place.new_client()
    operator = json.loads(place.command("client", "new", "duty", "--tenant", "office", "--operator"))
    process = place.serve()

    def status(client: dict[str, str], path: str) -> int:
        headers = {"authorization": f"Bearer {client['access_token']}"}
        return httpx.get(f"{place.base_url}{path}", headers=headers, trust_env=False).status_code

    assert (status(welfare, "/v1/sources"), status(operator, "/v1/sources")) == (200, 200)
    assert status(operator, "/v1/verifications/01a20cc7-7016-76c1-8580-ec76ee48a144") == 403
    process.stop()
    assert "disabled" in place.command("client", "disable", welfare["client_id"])
    listed = {line.split()[1]: line for line in place.command("client", "list").splitlines()}
    assert "verify:write,report:read,report:amend,source:read" in listed[welfare["client_id"]]
    assert "source:read,source:operate,audit:read" in listed[operator["client_id"]]
    assert [name for name, line in listed.items() if "enabled" not in line] == [welfare["client_id"]]
    again = place.serve()
    assert (status(welfare, "/v1/sources"), status(operator, "/v1/sources")) == (401, 200)
    again.stop()


def test_the_sandbox_serves_everything_in_one_go_and_leaves_credentials(tmp_path: Path, household: bytes) -> None:
    port = free_port()
    process = Process(["serve", "--sandbox", "--port", str(port)], tmp_path, anew=True)
    process.start()
    await_ready(f"http://127.0.0.1:{port}", process)
    access = json.loads((tmp_path / "var" / "sandbox-client.json").read_bytes())
    assert set(access) == {"base_url", "client_id", "client_secret", "access_token"}
    assert posted(access["base_url"], access["access_token"], household, prefer="wait=20").status_code == 200
    assert process.stop() == 0, process.output()
    assert (tmp_path / "var" / "sandbox-client.json").stat().st_mode & 0o077 == 0


def test_the_demo_ends_by_itself_with_the_final_version(tmp_path: Path) -> None:
    printed = run(tmp_path, "demo", anew=True, COLUMNS="160")
    assert printed.count("signature valid") == 2
    for wanted in (
        "report version 1: partial",
        "report version 2: final",
        "1,413.28",
        "pending",
        "what changed from version 1 to version 2",
    ):
        assert wanted in printed, wanted
    for source in ("securities", "deposits"):
        assert f"father x {source}: pending.source_answers_later -> answered." in printed
    assert sorted(path.name for path in (tmp_path / "var" / "demo").iterdir()) == ["report-v1.json", "report-v2.json"]


def test_a_wrong_policy_pack_stops_the_start_with_file_line_and_rule(tmp_path: Path, repo_root: Path) -> None:
    text = (repo_root / "policies" / "990000.yaml").read_text("utf-8").replace("objection_days: 7", "objection_days: 700")
    (tmp_path / "990000.yaml").write_text(text, encoding="utf-8")
    process = Process(["serve", "--port", "0"], tmp_path, {"VERIFY_POLICIES_DIR": str(tmp_path)}, anew=True)
    process.start()
    assert process.popen is not None
    assert process.popen.wait(timeout=60) == 1
    line = text[: text.index("objection_days: 700")].count("\n") + 1
    assert f"990000.yaml:{line}: " in process.output()
    assert "report.objection_days" in process.output()


def test_a_client_looks_after_its_webhook_endpoints(tmp_path: Path) -> None:
    """The secret is shown when it is made, and at no other time; who lacks the scope is told so."""
    with registers(tmp_path) as sources:
        place = Installation(tmp_path, sources)
        process = place.serve()
        access, other = tmp_path / "access.json", tmp_path / "other.json"
        access.write_text(json.dumps({"base_url": place.base_url, **place.new_client()}))
        reader = json.loads(place.command("client", "new", "reader", "--tenant", "example", "--scope", "report:read"))
        other.write_text(json.dumps({"base_url": place.base_url, **reader}))
        as_owner = ("--access", str(access))
        made = json.loads(place.command("webhook", "new", "https://welfare.example/events", "--event", "batch.completed", *as_owner))
        number = made["endpoint"]["id"]
        rotated = json.loads(place.command("webhook", "rotate", number, *as_owner))
        listed = place.command("webhook", "list", *as_owner)
        assert f"disabled {number}" in place.command("webhook", "disable", number, *as_owner)
        after = place.command("webhook", "list", *as_owner)
        refused = Process(["webhook", "list", "--access", str(other)], tmp_path)
        refused.start()
        assert refused.popen is not None
        assert refused.popen.wait(timeout=60) == 1
        process.stop()
    assert made["endpoint"]["events"] == ["batch.completed"]
    assert made["secret"] != rotated["secret"]
    assert f"{number}  https://welfare.example/events  enabled  0  old secret until " in listed
    assert "  disabled  " in after
    assert all(secret not in listed + after for secret in (made["secret"], rotated["secret"]))
    assert "403" in refused.output()
