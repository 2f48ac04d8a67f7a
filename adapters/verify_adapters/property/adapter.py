"""Ask for every page of a query, then read all pages as one answer: nothing is believed until the counts add up."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta, timezone
from importlib.resources import files

from pydantic import ValidationError

from verify_adapters.property.soap import ACTION, PAGE_ROWS, PATH, envelope, persons_of, query_id_of, read_body, token
from verify_adapters.property.wire import PAGE, Page, Person, Row, record_of, row_contradiction
from verify_service.domain.outcome import Answer, OutcomeCode, Question
from verify_service.sources.adapter import Exchange, SourceClient, WireRequest
from verify_service.sources.definition import load_source
from verify_service.sources.failures import invalid
from verify_service.sources.reading import answered, not_answered, note_leftovers, read_as, same_identity, schema_failure

_CHINA = timezone(timedelta(hours=8))
_NO_ANSWER = {
    "1001": OutcomeCode.PERSON_NOT_FOUND,
    "1002": OutcomeCode.NAME_MISMATCH,
    "1003": OutcomeCode.AMBIGUOUS,
    "2001": OutcomeCode.NO_CONSENT,
    "2002": OutcomeCode.OUT_OF_SCOPE,
    "3001": OutcomeCode.NOT_CONNECTED,
    "3002": OutcomeCode.MAINTENANCE,
}


class PropertyAdapter:
    """Credentials: user, secret."""

    source = load_source(files(__package__) / "source.toml")

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        """Fetch page after page within the call's deadline; raises invalid.limit beyond `limits.pages` or `limits.records`."""
        query_id, persons = query_id_of(questions), persons_of(questions)
        exchanges, pages = [await client.fetch(_request(client, query_id, persons, 1))], list[Page]()
        pages.append(_page(exchanges[0]))
        self._check_limits(pages[0])
        for page_no in range(2, pages[0].page_count + 1):
            exchanges.append(await client.fetch(_request(client, query_id, persons, page_no)))
            pages.append(_page(exchanges[-1]))
        return _answers(questions, exchanges, pages)

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        """Read the pages of one query, in the order they were asked for."""
        return _answers(questions, exchanges, [_page(exchange) for exchange in exchanges])

    def _check_limits(self, page: Page) -> None:
        limits = self.source.limits
        if page.page_count > limits.pages or page.total_rows > limits.records:
            raise invalid(OutcomeCode.LIMIT, "more pages or rows than allowed")


def _request(client: SourceClient, query_id: str, persons: str, page_no: int) -> Callable[[], WireRequest]:
    def build() -> WireRequest:
        parts = token(client.credential("user"), client.credential("secret"), nonce=client.nonce(), now=client.now())
        return WireRequest(
            step=f"page-{page_no}",
            method="POST",
            path=PATH,
            expect="text/xml",
            headers={"Content-Type": "text/xml; charset=utf-8", "SOAPAction": ACTION},
            body=envelope(parts, query_id=query_id, page_no=page_no, persons=persons),
            accept_status=frozenset({200, 500}),
        )

    return build


def _page(exchange: Exchange) -> Page:
    page = read_as(PAGE, read_body(exchange))
    if page.rows_on_page != len(page.rows):
        raise invalid(OutcomeCode.CONTRADICTION, "rows on page")
    return page


def _answers(questions: Sequence[Question], exchanges: Sequence[Exchange], pages: Sequence[Page]) -> Sequence[Answer]:
    _check_pages(questions, pages)
    note_leftovers("property", (*pages, *pages[0].persons, *(row for page in pages for row in page.rows)))
    people, rows = {p.ref: p for p in pages[0].persons}, _rows_by_ref(questions, pages)
    today = max(e.answered_at for e in exchanges).astimezone(_CHINA).date()
    return [_answer(q, people.get(q.id), rows[q.id], today=today, exchanges=exchanges) for q in questions]


def _check_pages(questions: Sequence[Question], pages: Sequence[Page]) -> None:
    """Hold the pages against each other and against the query. Raises invalid.binding or invalid.contradiction."""
    if not pages:
        raise invalid(OutcomeCode.CONTRADICTION, "no page")
    first, query_id = pages[0], query_id_of(questions)
    if any(page.query_id != query_id for page in pages):
        raise invalid(OutcomeCode.BINDING, "page of another query")
    numbers = [page.page_no for page in pages]
    if numbers != list(range(1, len(pages) + 1)) or any(_totals(page) != _totals(first) for page in pages):
        raise invalid(OutcomeCode.CONTRADICTION, "pages disagree")
    _check_counts(pages)
    if {person.ref for person in first.persons} - {q.id for q in questions}:
        raise invalid(OutcomeCode.BINDING, "a person who was not asked about")


def _totals(page: Page) -> tuple[object, ...]:
    return page.page_count, page.total_rows, page.data_date, page.persons


def _check_counts(pages: Sequence[Page]) -> None:
    first = pages[0]
    held = sum(page.rows_on_page for page in pages)
    expected_pages = max(1, -(-first.total_rows // PAGE_ROWS))
    if (len(pages), first.page_count) != (expected_pages, expected_pages) or held != first.total_rows:
        raise invalid(OutcomeCode.CONTRADICTION, "rows in total")
    if sum(person.row_count for person in first.persons) != first.total_rows:
        raise invalid(OutcomeCode.CONTRADICTION, "rows of people")
    if len({person.ref for person in first.persons}) != len(first.persons):
        raise invalid(OutcomeCode.CONTRADICTION, "a person twice")


def _rows_by_ref(questions: Sequence[Question], pages: Sequence[Page]) -> dict[str, list[Row]]:
    rows: dict[str, list[Row]] = {q.id: [] for q in questions}
    for page in pages:
        for row in page.rows:
            if row.ref not in rows:
                raise invalid(OutcomeCode.BINDING, "a row of a person who was not asked about")
            rows[row.ref].append(row)
    return rows


def _answer(q: Question, person: Person | None, rows: Sequence[Row], *, today: date, exchanges: Sequence[Exchange]) -> Answer:
    code, detail = _damage(q, person, rows, today)
    if person is None or code is not None:
        return not_answered(q, code or OutcomeCode.CONTRADICTION, detail=detail, exchanges=exchanges)
    if person.status in _NO_ANSWER:
        return not_answered(q, _NO_ANSWER[person.status], detail=person.status, exchanges=exchanges)
    if person.data_date is None:
        return not_answered(q, OutcomeCode.SCHEMA, detail="missing at SJRQ", exchanges=exchanges)
    try:
        records = [record_of(row) for row in rows]
    except ValidationError as error:
        raise schema_failure(error) from None
    return answered(q, records, as_of=person.data_date, exchanges=exchanges, names=[person.name])


def _damage(q: Question, person: Person | None, rows: Sequence[Row], today: date) -> tuple[OutcomeCode | None, str]:
    """Return the invalid outcome of one person's part of the answer, and the rule; None where it holds together."""
    if person is None:
        return OutcomeCode.CONTRADICTION, "person missing"
    if not same_identity(q, id_number=person.id_number, name=person.name):
        return OutcomeCode.BINDING, "echoed identity"
    if any(r.holder_number != person.id_number and not same_identity(q, id_number=r.holder_number, name=None) for r in rows):
        return OutcomeCode.BINDING, "holder of a row"
    if len(rows) != person.row_count or (person.status == "0000") is not bool(rows):
        return OutcomeCode.CONTRADICTION, "rows of the person"
    if person.data_date is not None and person.data_date > today:
        return OutcomeCode.CONTRADICTION, "data from the future"
    broken = next(filter(None, (row_contradiction(row, today) for row in rows)), None)
    return (None, "") if broken is None else (OutcomeCode.CONTRADICTION, broken)
