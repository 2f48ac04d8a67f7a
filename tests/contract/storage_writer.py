"""A process that accepts and issues as fast as it can and says what was acknowledged, until it is killed."""

import asyncio
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path

from tests.contract.storage_examples import accepted, exchange, issue, ticket
from verify_service.storage.encryption import load_cipher
from verify_service.storage.store import Store, open_store

WRITERS = 8
Acknowledgement = tuple[str, str | None]  # verification id, report id once issued


def run(database_url: str, key_file: Path, prefix: str, acknowledged: Connection) -> None:
    """Write for ever; `prefix` keeps the ids of several processes apart."""
    asyncio.run(_run(database_url, key_file, prefix, acknowledged))


async def _run(database_url: str, key_file: Path, prefix: str, acknowledged: Connection) -> None:
    store = await open_store(database_url, cipher=load_cipher(key_file, create=False))
    await asyncio.gather(*(_write(store, f"{prefix}-{n}", acknowledged) for n in range(WRITERS)))


async def _write(store: Store, prefix: str, acknowledged: Connection) -> None:
    number = 0
    while True:
        number += 1
        held = await accepted(store, verification_id=f"{prefix}-{number}", idempotency_key=f"{prefix}-{number}")
        acknowledged.send((held.verification_id, None))
        whole = issue(held, exchanges=[exchange(), exchange(call_no=2)], tickets=[ticket()])
        written = replace(whole, report=replace(whole.report, id=f"report-{held.verification_id}"))
        await store.issue(written)
        acknowledged.send((held.verification_id, written.report.id))
