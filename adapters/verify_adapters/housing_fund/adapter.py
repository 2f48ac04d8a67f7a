"""The front-end database of the housing provident fund: one statement for everybody, read strictly row by row.

The view knows numbers, not names: the registered name comes back and is compared here. A person without a control row
is a contradiction, never somebody without an account.
"""

from collections.abc import Sequence
from importlib.resources import files

from pydantic import TypeAdapter

from verify_adapters.housing_fund.accounts import RowsByType, accounts
from verify_adapters.housing_fund.view import COLUMNS, PERSON, ROW_TYPES, STATEMENT, PersonRow
from verify_service.domain.outcome import Answer, OutcomeCode, Question
from verify_service.sources.adapter import Exchange, SourceClient
from verify_service.sources.definition import Source, load_source
from verify_service.sources.failures import SourceFailure, invalid
from verify_service.sources.reading import WireModel, answered, not_answered, read_as, read_json, same_identity

NOT_ANSWERED = {
    "2": OutcomeCode.PERSON_NOT_FOUND,
    "3": OutcomeCode.NOT_CONNECTED,
    "4": OutcomeCode.NOT_AUTHORISED,
    "5": OutcomeCode.MAINTENANCE,
    "6": OutcomeCode.AMBIGUOUS,
}
_FIELDS = {kind: tuple((name, COLUMNS.index(name)) for name in model.model_fields) for kind, model in ROW_TYPES.items()}
_NUMBER = COLUMNS.index("sfzh")


class Rows(WireModel):
    """The result of the statement as the client hands it on."""

    columns: list[str]
    rows: list[list[str | None]]


ROWS = TypeAdapter(Rows)


class HousingFundAdapter:
    """Adapter of the housing provident fund (mode immediate, a database)."""

    source: Source = load_source(files(__package__) / "source.toml")

    async def ask(self, questions: Sequence[Question], client: SourceClient) -> Sequence[Answer]:
        """Run the statement once for everybody."""
        numbers = sorted({q.subject.id_number.reveal() for q in questions})
        return self.read(questions, [await client.query("select", STATEMENT, {"ids": numbers})])

    def read(self, questions: Sequence[Question], exchanges: Sequence[Exchange]) -> Sequence[Answer]:
        """Read the last exchange; rows of people outside `questions` are left alone."""
        used = exchanges[-1:]
        if not used:
            raise invalid(OutcomeCode.SCHEMA, "no answer")
        found = self._by_person(used[0].body)
        return [_answer(question, found.get(question.subject.id_number.reveal(), {}), used) for question in questions]

    def _by_person(self, body: bytes) -> dict[str, RowsByType]:
        """Return rows by person and type. Raises invalid.schema when the columns are not the contract's, invalid.limit."""
        table = read_as(ROWS, read_json(body))
        if tuple(table.columns) != COLUMNS:
            raise invalid(OutcomeCode.SCHEMA, "columns")
        if len(table.rows) > self.source.limits.records:
            raise invalid(OutcomeCode.LIMIT, "rows")
        found: dict[str, RowsByType] = {}
        for row in table.rows:
            if len(row) != len(COLUMNS) or (number := row[_NUMBER]) is None:
                raise invalid(OutcomeCode.SCHEMA, "cells of a row")
            kind = row[0] or ""
            cells = {name: row[place] for name, place in _FIELDS.get(kind, ())}
            found.setdefault(number, {}).setdefault(kind, []).append(cells)
        return found


def _answer(question: Question, rows: RowsByType, used: Sequence[Exchange]) -> Answer:
    """Read one person's rows; what is wrong in them is her outcome alone."""
    try:
        person = _control_row(question, rows)
        if person.cxzt != "0":
            return not_answered(question, NOT_ANSWERED[person.cxzt], detail=f"status {person.cxzt}", exchanges=used)
        if not same_identity(question, id_number=person.zjhm or "", name=person.xm or ""):
            return not_answered(question, OutcomeCode.NAME_MISMATCH, detail="registered name differs", exchanges=used)
        return answered(question, accounts(rows), as_of=person.sjsd, exchanges=used, names=[person.xm])
    except SourceFailure as failure:
        return not_answered(question, failure.code, detail=failure.detail, exchanges=used)


def _control_row(question: Question, rows: RowsByType) -> PersonRow:
    """Return the person's one control row, if identity and declared count hold. Raises schema, binding or contradiction."""
    if rows.keys() - ROW_TYPES.keys() - {""}:
        raise invalid(OutcomeCode.SCHEMA, "unknown row type")
    if len(rows.get("person", ())) != 1 or "" in rows:
        raise invalid(OutcomeCode.CONTRADICTION, "not exactly one control row")
    person = read_as(PERSON, rows["person"][0])
    if (person.cxzt == "0" or person.zjhm is not None) and not same_identity(question, id_number=person.zjhm or "", name=None):
        raise invalid(OutcomeCode.BINDING, "registered number")
    if person.sjbz is not (person.zhts > 0) or person.zhts != len(rows.get("account", ())):
        raise invalid(OutcomeCode.CONTRADICTION, "data flag and number of accounts")
    if person.cxzt != "0" and len(rows) > 1:
        raise invalid(OutcomeCode.CONTRADICTION, "accounts beside a status without data")
    return person
