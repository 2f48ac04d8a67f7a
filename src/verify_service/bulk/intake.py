"""Take a batch in: read, check and stage it row by row while it streams, then accept it in one transaction.

A bad row is told with line, place and rule and left out; the good ones go on. Until the whole file is there, counted and
digested, nobody sees the batch, and a process that dies leaves nothing but rows for the worker to clear away.
"""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

import orjson

from verify_service.bodies import read_as, read_strictly
from verify_service.bulk.household import Reader, ReadHousehold
from verify_service.domain.request import VerificationRequest
from verify_service.errors import InvalidInput, NotPermitted, Violation
from verify_service.services import Services
from verify_service.storage.batch_records import FileForm, NewBatch, Rejection, Staged, StagedRow, Upload
from verify_service.storage.records import Client, Response
from verify_service.verification.plan import may_ask

ROUTE = "/v1/batches"
_FROM_THREAD = 50  # households, about 10 ms of checking
MOST_TOLD = 20  # rules that one row is told of


@dataclass(frozen=True, slots=True)
class TakenIn:
    """An upload that was read whole: what it holds, and the first rejections."""

    batch_id: str
    form: FileForm
    encoding: str
    digest: str
    size_bytes: int
    rows_in: int
    rejected: int
    told: Sequence[Rejection]


@dataclass(slots=True)
class Intake:
    """One upload on its way in."""

    services: Services
    client: Client
    reader: Reader
    batch: NewBatch
    at: datetime
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    _size: int = 0
    _no: int = 0
    _chunk: int = 0
    _rows: list[StagedRow] = field(default_factory=list)
    _rejections: list[Rejection] = field(default_factory=list)
    _staging: "asyncio.Task[None] | None" = None  # what goes to the disk while the next rows are read

    async def read(self, stream: AsyncIterator[bytes]) -> None:
        """Read and stage everything; nothing is under way when it ends. Raises InvalidInput when the file as a whole cannot be read."""
        try:
            await self._read(stream)
        finally:
            if self._staging is not None:
                await asyncio.gather(self._staging, return_exceptions=True)

    async def _read(self, stream: AsyncIterator[bytes]) -> None:
        async for data in stream:
            self._digest.update(data)
            self._size += len(data)
            if self._size > self.services.limits.max_batch_bytes:
                raise InvalidInput.at("", "file_size", f"at most {self.services.limits.max_batch_bytes} bytes")
            await self._take(self.reader.feed(data))
        await self._finish()
        await self._stage()
        await self._staged()
        if self._no == 0:
            raise InvalidInput.at("", "empty_file", "at least one household")

    async def _finish(self) -> None:
        """Take the rest; of a file that is read only now, a few households at a time from a thread, so that others are served."""
        rest = self.reader.end()
        if not self.reader.is_whole:
            await self._take(rest)
            return
        while some := await asyncio.to_thread(list, islice(rest, _FROM_THREAD)):
            await self._take(some)

    async def _take(self, households: Iterable[ReadHousehold]) -> None:
        for household in households:
            self._no += 1
            if self._no > self.services.limits.max_batch_rows:
                raise InvalidInput.at("", "too_many_rows", f"at most {self.services.limits.max_batch_rows} households")
            self._check(household)
            if len(self._rows) >= self.services.limits.chunk_rows or len(self._rejections) >= self.services.limits.chunk_rows:
                await self._stage()

    def _check(self, household: ReadHousehold) -> None:
        broken = [(b.line, b.place, b.rule) for b in household.broken]
        request = None
        if household.body is not None and not broken:
            request, broken = self._admitted(household, household.body)
        if request is None or household.body is None:
            self._reject([Rejection(self._no, *told) for told in broken[:MOST_TOLD]])
            return
        self._rows.append(StagedRow(self._no, household.line, request.client_reference, self.services.new_id(), household.body))

    def _admitted(self, household: ReadHousehold, body: bytes) -> tuple[VerificationRequest | None, list[tuple[int, str, str]]]:
        """Return the request, or every rule that it breaks with its place in the file."""
        try:
            request = self._admit(body, is_strict=household.is_strict)
        except InvalidInput as error:
            return None, [(*household.where(v.pointer), v.rule) for v in error.violations if not _follows(v, error.violations)]
        except NotPermitted as error:
            return None, [(*household.where(f"/{error.args[0]}"), "permitted")]
        if not may_ask(request, sources=self.services.verifier.sources, at=self.at):
            return None, [(household.line, "", "no_consent")]
        return request, []

    def _admit(self, body: bytes, *, is_strict: bool) -> VerificationRequest:
        """Check a request for everything but consent. Raises InvalidInput, NotPermitted."""
        request = (read_as if is_strict else read_strictly)(VerificationRequest, body)
        self.services.check(self.client, request, at=self.at)
        return request

    def _reject(self, rejections: Sequence[Rejection]) -> None:
        self._rejections += rejections

    async def _stage(self) -> None:
        if not self._rows and not self._rejections:
            return
        if self._rows:
            self._chunk += 1
        await self._staged()
        stage = self.services.store.batches.stage(self.batch, Staged(self._chunk, self._rows, self._rejections))
        self._staging = asyncio.create_task(stage)
        self._rows, self._rejections = [], []

    async def _staged(self) -> None:
        """Wait until what was handed over last is durable. Raises what the store raises."""
        staging, self._staging = self._staging, None
        if staging is not None:
            await staging

    def upload(self, key: str | None) -> Upload:
        """Return what is accepted."""
        digest = self._digest.hexdigest()
        return Upload(
            batch_id=self.batch.id,
            tenant=self.batch.tenant,
            client_id=self.batch.client_id,
            encoding=self.reader.encoding,
            digest=digest,
            size_bytes=self._size,
            rows_in=self._no,
            idempotency_key=key,
            fingerprint=f"{self.batch.form} {digest}",
            route=ROUTE,
            now=self.services.clock(),
        )


def _follows(violation: Violation, others: Sequence[Violation]) -> bool:
    """Say whether a list is only called too short because of what is wrong in its entries."""
    return violation.rule == "too_short" and any(other.pointer.startswith(f"{violation.pointer}/") for other in others)


async def take_in(intake: Intake, stream: AsyncIterator[bytes], key: str | None) -> Response:
    """Take a batch in and return the receipt, or the one that its key has already. What is not accepted is forgotten.

    Raises InvalidInput, IdempotencyMismatch.
    """
    batches, batch = intake.services.store.batches, intake.batch
    await batches.open(batch)
    accepted = False
    try:
        await intake.read(stream)
        upload = intake.upload(key)
        receipt = Response(202, {"Location": f"{ROUTE}/{batch.id}"}, orjson.dumps(receipt_body(upload, batch.form)))
        replay = await batches.accept(upload, receipt)
        accepted = replay is None
    finally:
        if not accepted:
            await batches.discard(batch.id)
    return receipt if replay is None else replay


def receipt_body(upload: Upload, form: FileForm) -> dict[str, object]:
    """Return what the caller is told of an accepted upload: what was counted and digested."""
    plain = ("encoding", "digest", "size_bytes", "rows_in")
    return {"batch_id": upload.batch_id, "form": form, **{name: getattr(upload, name) for name in plain}}


async def try_out(intake: Intake, stream: AsyncIterator[bytes]) -> TakenIn:
    """Do all of that except accepting: say what would become of the file, and keep nothing. Raises InvalidInput."""
    batches, batch = intake.services.store.batches, intake.batch
    await batches.open(batch)
    try:
        await intake.read(stream)
        upload = intake.upload(None)
        rejected = await batches.settle_references(batch.id)
        told = await batches.rejections(tenant=batch.tenant, batch_id=batch.id, most=MOST_TOLD)
    finally:
        await batches.discard(batch.id)
    return TakenIn(batch.id, batch.form, upload.encoding, upload.digest, upload.size_bytes, upload.rows_in, rejected, told)
