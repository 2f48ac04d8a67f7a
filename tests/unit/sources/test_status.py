"""What an operator is told of a source: the last quarter of an hour, names of drifted fields, and nothing of a person."""

from datetime import UTC, date, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from tests import households
from verify_service.domain.outcome import Answer, Outcome, OutcomeCode
from verify_service.sources.reading import WireModel, note_leftovers, schema_failure
from verify_service.sources.status import MINUTES, SourceStatus

NOW = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)

QUESTION = households.answer(households.example_request(), "father", "vehicle").question


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def answer(code: OutcomeCode, *, detail: str = "", as_of: date | None = None) -> Answer:
    return Answer(QUESTION, Outcome(code, detail=detail, as_of=as_of))


def test_attempts_are_told_by_how_they_ended_and_how_long_they_took() -> None:
    status = SourceStatus("vehicle", clock=Clock())
    for _ in range(98):
        status.attempted(None, seconds=0.05, bytes_received=1000)
    status.attempted(OutcomeCode.TIMEOUT, seconds=3.0)
    status.attempted(OutcomeCode.HTTP_5XX, seconds=0.1)
    seen = status.observed()
    assert seen.window.attempts == {None: 98, OutcomeCode.TIMEOUT: 1, OutcomeCode.HTTP_5XX: 1}
    assert seen.window.bytes_received == 98_000
    assert 0.05 <= (seen.window.durations.quantile(0.95) or 0) < 0.06
    assert seen.window.waits.count == 100
    assert 3.0 <= (seen.window.durations.quantile(1.0) or 0) < 3.4


def test_what_is_older_than_the_window_is_forgotten_but_still_in_the_total() -> None:
    clock = Clock()
    status = SourceStatus("vehicle", clock=clock)
    status.attempted(OutcomeCode.TIMEOUT, seconds=3.0)
    clock.now += timedelta(minutes=MINUTES - 1)
    status.attempted(None, seconds=0.1)
    assert status.observed().window.attempts == {None: 1, OutcomeCode.TIMEOUT: 1}
    clock.now += timedelta(minutes=1)
    assert status.observed().window.attempts == {None: 1}
    clock.now += timedelta(days=3)
    assert status.observed().window.attempts == {}
    assert status.observed().last_success == NOW + timedelta(minutes=MINUTES - 1)
    assert status.total().attempts == {None: 1, OutcomeCode.TIMEOUT: 1}
    assert status.total().durations.count == 2


def test_clock_that_goes_back_loses_nothing() -> None:
    clock = Clock()
    status = SourceStatus("vehicle", clock=clock)
    status.attempted(None, seconds=0.1)
    clock.now -= timedelta(hours=1)
    status.attempted(None, seconds=0.1)
    assert status.observed().window.attempts == {None: 2}


def test_answers_tell_outcomes_and_how_old_the_data_are() -> None:
    status = SourceStatus("vehicle", clock=Clock())
    days = [date(2026, 11, 20), date(2026, 10, 31), date(2026, 11, 23)]
    status.settled([answer(OutcomeCode.NO_RECORD, as_of=day) for day in days])
    status.settled([answer(OutcomeCode.TIMEOUT)])
    window = status.observed().window
    assert window.answers == {OutcomeCode.NO_RECORD: 3, OutcomeCode.TIMEOUT: 1}
    assert window.as_of == (date(2026, 10, 31), date(2026, 11, 23))


class Row(WireModel):
    plate: str


def refused(value: object) -> str:
    try:
        TypeAdapter(list[Row]).validate_python(value)
    except ValidationError as error:
        return schema_failure(error).detail
    raise AssertionError(value)


def test_drift_is_told_by_the_names_of_fields() -> None:
    status = SourceStatus("drifting", clock=Clock())
    note_leftovers("drifting", [Row.model_validate({"plate": "X", "colour": "red", "990101197905120019": 1, "王示范": 2})])
    status.settled([answer(OutcomeCode.SCHEMA, detail=refused([{"plate": "X"}, {}]))])
    status.settled([answer(OutcomeCode.SCHEMA, detail=refused([{"plate": 7}]))])
    seen = status.observed()
    assert seen.new_fields == ("[other]", "colour")
    assert seen.missing_fields == ("plate",)


def test_a_register_that_grows_fields_without_end_fills_no_memory() -> None:
    status = SourceStatus("growing", clock=Clock())
    for number in range(1000):
        note_leftovers("growing", [Row.model_validate({"plate": "X", f"f{number}": 1})])
        status.settled([answer(OutcomeCode.SCHEMA, detail=f"missing at rows.0.f{number}")])
    seen = status.observed()
    assert (len(seen.new_fields), len(seen.missing_fields)) == (100, 100)
