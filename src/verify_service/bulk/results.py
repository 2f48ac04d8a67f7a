"""The results of a batch, in the order of its rows: states, figures, findings and signed reports, read page by page."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

import orjson

from verify_service.storage.batch_records import Rejection, ResultRow
from verify_service.storage.batches import BatchStore
from verify_service.verification.answer import payload_of

_PAGE, _REJECTIONS_PAGE = 100, 2_000
PLAIN = ("row", "line", "client_reference", "state", "verification_id", "request_no", "report_id", "version", "digest")
FIGURES = (*PLAIN, "counted_persons", "income_per_capita_monthly_lower_fen", "income_per_capita_monthly_upper_fen", "lines", "gaps")
COLUMNS = (*FIGURES, "findings", "jws")
NUMBERS = frozenset({"row", "line", "version", *FIGURES[len(PLAIN) : len(PLAIN) + 3]})
ERROR_COLUMNS = ("row", "line", "place", "rule")


async def result_pages(batches: BatchStore, *, tenant: str, batch_id: str, after: int) -> AsyncIterator[Sequence[ResultRow]]:
    """Yield the rows after row `after`, a page at a time."""
    while page := await batches.results(tenant=tenant, batch_id=batch_id, after=after, most=_PAGE):
        yield page
        after = page[-1].no


async def rejection_pages(batches: BatchStore, *, tenant: str, batch_id: str, after: int) -> AsyncIterator[Sequence[Rejection]]:
    """Yield what is wrong with the rejected rows after row `after`, a page at a time."""
    while page := await batches.rejections(tenant=tenant, batch_id=batch_id, after=after, most=_REJECTIONS_PAGE):
        yield page
        after = page[-1].no


def result_ndjson(row: ResultRow) -> bytes:
    """Return a row as one line of JSON; `report` holds exactly the bytes that `jws` signs."""
    head = orjson.dumps(_plain(row))
    if row.jws is None:
        return head[:-1] + b',"report":null,"jws":null}\n'
    return b"".join((head[:-1], b',"report":', payload_of(row.jws), b',"jws":"', row.jws, b'"}\n'))


def result_cells(row: ResultRow) -> list[object]:
    """Return a row as cells of COLUMNS. Findings and compared lines are their codes, separated by semicolons."""
    cells: list[object] = list(_plain(row).values())
    if row.jws is None:
        return [*cells, *[None] * (len(COLUMNS) - len(cells))]
    report = orjson.loads(payload_of(row.jws))
    income = report["income"]
    return [
        *cells,
        income["persons"],
        income["per_capita_monthly"]["lower_fen"],
        income["per_capita_monthly"]["upper_fen"],
        ";".join(f"{line['code']}={line['result']}" for line in report["lines"]),
        ";".join(report["gaps"]),
        ";".join(finding["code"] for finding in report["findings"]),
        row.jws.decode("ascii"),
    ]


def error_cells(rejection: Rejection) -> list[object]:
    """Return a broken rule as cells of ERROR_COLUMNS."""
    return [rejection.no, rejection.line, rejection.place, rejection.rule]


def error_ndjson(rejection: Rejection) -> bytes:
    """Return a broken rule as one line of JSON."""
    return orjson.dumps(dict(zip(ERROR_COLUMNS, error_cells(rejection), strict=True)), option=orjson.OPT_APPEND_NEWLINE)


def _plain(row: ResultRow) -> dict[str, Any]:
    values = (row.no, row.line, row.reference, row.state.value, row.verification_id, row.request_no, row.report_id, row.version, row.digest)
    return dict(zip(PLAIN, values, strict=True))
