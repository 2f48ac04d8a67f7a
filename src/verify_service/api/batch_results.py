"""What came of a batch: results, errors, and the proof that a report belongs to it."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from verify_service.api.auth import ReadsReports
from verify_service.api.batch_wire import RowProof
from verify_service.api.describe import JSON, file_answer, json_answer, problems
from verify_service.api.headers import accepted
from verify_service.api.state import known_form, services_of
from verify_service.bulk.forms import MEDIA_TYPES, STREAMED
from verify_service.bulk.intake import ROUTE
from verify_service.bulk.manifest import prove
from verify_service.bulk.output import csv_rows
from verify_service.bulk.progress import ENDED
from verify_service.bulk.results import (
    COLUMNS,
    ERROR_COLUMNS,
    error_cells,
    error_ndjson,
    rejection_pages,
    result_csv,
    result_ndjson,
    result_pages,
)
from verify_service.errors import WrongState
from verify_service.services import Services
from verify_service.storage.batch_records import BatchRow, BatchState
from verify_service.storage.records import Client

router = APIRouter(tags=["batches"])
_NDJSON, _CSV = MEDIA_TYPES["ndjson"], MEDIA_TYPES["csv"]
_READ = ("bad-request", "unauthenticated", "insufficient-scope", "not-found", "not-acceptable", "invalid-request")
After = Annotated[int, Query(ge=0, le=2**53, description="go on after this row: the last one that arrived whole")]


@router.get(
    f"{ROUTE}/{{batch_id}}/results",
    summary="Download the results",
    response_class=StreamingResponse,
    responses={
        200: file_answer(STREAMED, "Every row in order: state, figures, findings, signed report."),
        **problems(*_READ, "wrong-state"),
    },
)
async def results(request: Request, batch_id: str, client: ReadsReports, after: After = 0) -> Response:
    """Stream the rows of a batch that is over. The read is in the audit log before the data leave."""
    services = services_of(request)
    form = accepted(request, _NDJSON, _CSV)
    batch = await _ended(services, client, known_form(batch_id))
    await services.store.batches.log_read(tenant=client.tenant, batch_id=batch.id, actor=client.id, now=services.clock())
    rows = _result_csv(services, batch, after) if form == _CSV else _result_ndjson(services, batch, after)
    return StreamingResponse(rows, media_type=form, headers=_attachment("results", form))


@router.get(
    f"{ROUTE}/{{batch_id}}/errors",
    summary="Download what is wrong with rejected rows",
    response_class=StreamingResponse,
    responses={200: file_answer(STREAMED, "Row, line, column or pointer, and rule; never a value."), **problems(*_READ)},
)
async def errors(request: Request, batch_id: str, client: ReadsReports, after: After = 0) -> Response:
    """Stream every broken rule, in the form of the batch's file (CSV for a workbook) unless another is asked for."""
    services = services_of(request)
    batch = await services.store.batches.batch(tenant=client.tenant, batch_id=known_form(batch_id))
    offers = (_NDJSON, _CSV) if batch.form == "ndjson" else (_CSV, _NDJSON)
    form = accepted(request, *offers)
    return StreamingResponse(_errors(services, batch, form, after), media_type=form, headers=_attachment("errors", form))


@router.get(
    f"{ROUTE}/{{batch_id}}/rows/{{row}}/proof",
    summary="Prove that a row's report belongs to the batch",
    responses={200: json_answer("RowProof"), **problems(*_READ, "wrong-state")},
)
async def proof(request: Request, batch_id: str, row: int, client: ReadsReports) -> Response:
    """Give the hashes that lead from the row to the root in the signed manifest."""
    accepted(request, JSON)
    services = services_of(request)
    batch = await services.store.batches.batch(tenant=client.tenant, batch_id=known_form(batch_id))
    if batch.state is not BatchState.COMPLETED:
        raise WrongState("batch_state", f"the batch is {batch.state}")
    return Response(RowProof(**await prove(services, batch, row)).model_dump_json(), media_type=JSON)


async def _ended(services: Services, client: Client, batch_id: str) -> BatchRow:
    """Return a batch that is over. Raises NotFound, WrongState."""
    batch = await services.store.batches.batch(tenant=client.tenant, batch_id=batch_id)
    if batch.state not in ENDED:
        raise WrongState("batch_state", f"the batch is {batch.state}")
    return batch


async def _result_ndjson(services: Services, batch: BatchRow, after: int) -> AsyncIterator[bytes]:
    async for page in result_pages(services.store.batches, tenant=batch.tenant, batch_id=batch.id, after=after):
        yield b"".join(map(result_ndjson, page))


async def _result_csv(services: Services, batch: BatchRow, after: int) -> AsyncIterator[bytes]:
    yield csv_rows([COLUMNS])
    async for page in result_pages(services.store.batches, tenant=batch.tenant, batch_id=batch.id, after=after):
        yield result_csv(page)


async def _errors(services: Services, batch: BatchRow, form: str, after: int) -> AsyncIterator[bytes]:
    if form == _CSV:
        yield csv_rows([ERROR_COLUMNS])
    async for page in rejection_pages(services.store.batches, tenant=batch.tenant, batch_id=batch.id, after=after):
        yield csv_rows(map(error_cells, page)) if form == _CSV else b"".join(map(error_ndjson, page))


def _attachment(name: str, form: str) -> dict[str, str]:
    ending = next(ending for ending, media in MEDIA_TYPES.items() if media == form)
    return {"Content-Disposition": f'attachment; filename="{name}.{ending}"', "Vary": "Accept"}
