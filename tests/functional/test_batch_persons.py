"""A person is asked once a day for one client and purpose, in however many rows and batches she is."""

import json
from collections import Counter
from itertools import islice
from pathlib import Path
from typing import Any

from bench.households import bodies
from tests.functional.batches import BatchClient, hall


def finished(client: BatchClient, households: list[bytes]) -> list[list[str]]:
    """Run a batch to its end; return each row's state and the outcomes of its cells."""
    batch = client.await_completed(client.submit(b"\n".join(households)).json()["batch_id"])
    cells = [(row["state"], row["report"]["coverage"]) for row in client.results(batch["id"])]
    return [[state, *(cell["outcome"] for cell in coverage)] for state, coverage in cells]


def subjects(folder: Path) -> Counter[tuple[str, str]]:
    """Return how often each register was asked a question about each person; looks at a ticket are none."""
    lines = [json.loads(line) for file in folder.glob("*.ndjson") for line in file.read_bytes().splitlines()]
    return Counter((line["source"], person) for line in lines if asks(line) for person in line["subjects"])


def asks(line: dict[str, Any]) -> bool:
    return line["what"] == "asked" and not line["way"].startswith("GET ")


def test_second_batch_of_a_day_asks_nobody_again(tmp_path: Path) -> None:
    journal = tmp_path / "journal"
    first = list(islice(bodies(members=2), 6))
    again = [line.replace(b"bench-", b"again-").replace(b"SQ-", b"SQ-2-") for line in first]
    with hall(tmp_path, None, sandbox=("--faults", "none", "--journal", str(journal)), VERIFY_CHUNK_ROWS="3") as opened:
        opened.worker()
        told = finished(opened.client, first)
        before = subjects(journal)
        assert len(before) >= 6 * 12
        assert finished(opened.client, again) == told
        assert subjects(journal) == before


def test_two_workers_with_the_same_people_at_the_same_moment_ask_once(tmp_path: Path) -> None:
    """Both batches wait before the workers start, and tickets keep whoever begins in work for a while."""
    journal = tmp_path / "journal"
    first = list(islice(bodies(members=2), 6))
    second = [line.replace(b"bench-", b"again-").replace(b"SQ-", b"SQ-2-") for line in first]
    with hall(tmp_path, None, sandbox=("--faults", "none", "--journal", str(journal)), VERIFY_CHUNK_ROWS="3") as opened:
        batches = [opened.client.submit(b"\n".join(households)).json()["batch_id"] for households in (first, second)]
        for _ in range(2):
            opened.worker()
        ended = [opened.client.await_completed(batch) for batch in batches]
        assert [batch["results"]["final"] + batch["results"]["partial"] for batch in ended] == [6, 6]
        asked = subjects(journal)
    assert len(asked) >= 6 * 12
    assert asked == Counter(asked.keys())
