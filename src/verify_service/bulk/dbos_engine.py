"""The job engine on DBOS Transact 3. What was learnt of that library, and why this module is as it is, stands in decision 17."""

import asyncio
import sqlite3
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any

import structlog
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from sqlalchemy import URL, make_url

from verify_service.bulk.jobs import EngineOptions, Handler
from verify_service.telemetry import without_values

_log = structlog.get_logger("verify_service.jobs")
Workflow = Callable[[str, str], Coroutine[Any, Any, None]]
# The jobs' form, not the program's version: a new release goes on with the jobs of the old one as long as this stays.
JOBS_VERSION = "verify-jobs-1"
_APPLICATION, _QUEUE, _WORKFLOW = "verify-jobs", "chunks", "job"
_POLL_SECONDS = 0.25


class DbosEngine:
    """The port on DBOS. Jobs run in the event loop that opened the engine, where the store is at home."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._loop = asyncio.get_running_loop()

    async def open(self, options: EngineOptions) -> None:
        """Register the one workflow and launch."""
        await asyncio.to_thread(self._launch, make_url(options.database_url), options.worker)
        await DBOS.register_queue_async(
            _QUEUE, worker_concurrency=options.concurrency, polling_interval_sec=_POLL_SECONDS, on_conflict="always_update"
        )

    async def close(self, grace_seconds: int) -> None:
        """Take no more jobs, let those in work finish for a while, and let go of the database."""
        await asyncio.to_thread(DBOS.destroy, destroy_registry=True, workflow_completion_timeout_sec=grace_seconds)

    async def start(self, kind: str, job_id: str) -> None:
        """As JobEngine.start."""
        with SetWorkflowID(f"{kind}:{job_id}"):
            await DBOS.enqueue_workflow_async(_QUEUE, self._workflow, kind, job_id)

    async def resume(self, worker: str) -> int:
        """As JobEngine.resume. The open-source engine recovers only what a process of the same name left behind."""
        pending = await DBOS.list_workflows_async(executor_id=worker, status="PENDING", load_input=False, load_output=False)
        ids = [workflow.workflow_id for workflow in pending]
        if ids:
            await DBOS.resume_workflows_async(ids, queue_name=_QUEUE)
        return len(ids)

    async def forget(self, jobs: Sequence[tuple[str, str]]) -> None:
        """As JobEngine.forget."""
        if jobs:
            await DBOS.delete_workflows_async([f"{kind}:{job_id}" for kind, job_id in jobs])

    def _launch(self, url: URL, worker: str) -> None:
        """Launch in a thread: launched in our loop, DBOS would run its own coroutines there too."""
        if url.get_backend_name() == "sqlite":
            _create_in_wal_mode(Path(url.database or ""))
        url = url.set(drivername=url.get_backend_name())
        DBOS(
            config=DBOSConfig(
                name=_APPLICATION,
                system_database_url=url.render_as_string(hide_password=False),
                executor_id=worker,
                application_version=JOBS_VERSION,
                serializer=DBOSPortableJSONSerializer(),  # the default is pickle
                use_listen_notify=False,
                log_level="ERROR",
            )
        )
        self._workflow = self._register()
        DBOS.launch()

    def _register(self) -> Workflow:
        """Return the workflow: it runs the handler in our loop. DBOS takes functions only, not methods."""

        @DBOS.workflow(name=_WORKFLOW)
        async def carry_out(kind: str, job_id: str) -> None:
            await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._guarded(kind, job_id), self._loop))

        return carry_out

    async def _guarded(self, kind: str, job_id: str) -> None:
        """Run the handler; what it does not survive ends the job, and is ours to start again."""
        try:
            await self._handlers[kind](job_id)
        except Exception as error:  # noqa: BLE001 - DBOS would keep the error with its message
            _log.error("job.failed", kind=kind, **without_values(error))


def _create_in_wal_mode(file: Path) -> None:
    """DBOS does not ask for WAL; a file that was once set to it stays so."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.touch(mode=0o600)
    connection = sqlite3.connect(file, timeout=30)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()
