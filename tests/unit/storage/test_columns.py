"""Column types: exact on both engines."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Dialect
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

from verify_service.storage.columns import Instant

ENGINES: list[Dialect] = [SQLiteDialect_pysqlite(), PGDialect_psycopg()]  # type: ignore[no-untyped-call]
moments = st.datetimes(min_value=datetime(1900, 1, 1), max_value=datetime(2999, 1, 1), timezones=st.just(UTC))


@pytest.mark.parametrize("engine", ENGINES, ids=["sqlite", "postgresql"])
@given(moment=moments, hours=st.integers(-12, 14))
def test_instant_comes_back_exactly_whatever_its_zone(engine: Dialect, moment: datetime, hours: int) -> None:
    given_in = moment.astimezone(timezone(timedelta(hours=hours)))
    back = Instant().process_result_value(Instant().process_bind_param(given_in, engine), engine)
    assert back == moment
    assert back is not None
    assert back.tzinfo is UTC


@given(first=moments, second=moments)
def test_text_sorts_as_time_does(first: datetime, second: datetime) -> None:
    engine = SQLiteDialect_pysqlite()
    texts = [Instant().process_bind_param(moment, engine) for moment in (first, second)]
    assert (texts[0] < texts[1]) == (first < second)


@pytest.mark.parametrize("engine", ENGINES, ids=["sqlite", "postgresql"])
def test_instant_without_zone_is_refused(engine: Dialect) -> None:
    with pytest.raises(ValueError, match="zone"):
        Instant().process_bind_param(datetime(2026, 1, 1), engine)
