"""What came of a batch: results, errors, and the proof that a report belongs to it."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response, StreamingResponse

from verify_service.api.auth import ReadsReports
from verify_service.api.batch_wire import RowProof
from verify_service.api.describe import JSON, file_answer, json_answer, problems
from verify_service.api.headers import accepted
from verify_service.api.state import known_form, services_of
from verify_service.bulk.forms import MEDIA_TYPES, offers
from verify_service.bulk.intake import MOST_TOLD, ROUTE
from verify_service.bulk.manifest import prove
from verify_service.bulk.progress import ENDED
from verify_service.bulk.results import rejection_pages, result_pages
from verify_service.bulk.streams import errors_as, results_as
from verify_service.errors import WrongState
from verify_service.services import Services
from verify_service.storage.batch_records import BatchRow, BatchState
from verify_service.storage.records import Client

router = APIRouter(tags=["batches"])
_RESULTS = (
    "Every row in order: state, figures, findings, signed report (not in a workbook, whose cells are too short: report_id leads to it)."
)
_READ = ("bad-request", "unauthenticated", "insufficient-scope", "not-found", "not-acceptable", "invalid-request")
After = Annotated[int, Query(ge=0, le=2**53, description="go on after this row: the last one that arrived whole")]


@router.get(
    f"{ROUTE}/{{batch_id}}/results",
    summary="Download the results",
    response_class=StreamingResponse,
    responses={
        200: file_answer(MEDIA_TYPES, _RESULTS),
        **problems(*_READ, "wrong-state"),
    },
)
async def results(request: Request, batch_id: str, client: ReadsReports, after: After = 0) -> Response:
    """Stream the rows of a batch that is over. The read is in the audit log before the data leave."""
    services = services_of(request)
    form = accepted(request, *offers("ndjson"))
    batch = await _ended(services, client, known_form(batch_id))
    await services.store.batches.log_read(tenant=client.tenant, batch_id=batch.id, actor=client.id, now=services.clock())
    pages = result_pages(services.store.batches, tenant=batch.tenant, batch_id=batch.id, after=after)
    return StreamingResponse(results_as(form, pages, most_rows=batch.rows_in), media_type=form, headers=_attachment("results", form))


@router.get(
    f"{ROUTE}/{{batch_id}}/errors",
    summary="Download what is wrong with rejected rows",
    response_class=StreamingResponse,
    responses={200: file_answer(MEDIA_TYPES, "Row, line, column or pointer, and rule; never a value."), **problems(*_READ)},
)
async def errors(request: Request, batch_id: str, client: ReadsReports, after: After = 0) -> Response:
    """Stream every broken rule, in the form of the batch's file unless another is asked for."""
    services = services_of(request)
    batch = await services.store.batches.batch(tenant=client.tenant, batch_id=known_form(batch_id))
    form = accepted(request, *offers(batch.form))
    pages = rejection_pages(services.store.batches, tenant=batch.tenant, batch_id=batch.id, after=after)
    return StreamingResponse(
        errors_as(form, pages, most_rows=batch.rejected * MOST_TOLD), media_type=form, headers=_attachment("errors", form)
    )


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


def _attachment(name: str, form: str) -> dict[str, str]:
    ending = next(ending for ending, media in MEDIA_TYPES.items() if media == form)
    return {"Content-Disposition": f'attachment; filename="{name}.{ending}"', "Vary": "Accept"}
