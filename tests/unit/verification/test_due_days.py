"""When a report was due and when it was there: the days of the header, and TIM-01, from version to version."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from tests.households import SOURCES, answers, example_request, policies
from verify_service.domain.amendment import Amendment, AskedAgain, GapClosure, Made, Objection, Officer, Resolution
from verify_service.domain.outcome import OutcomeCode
from verify_service.verification.amend import asked_again
from verify_service.verification.verify import Job, Previous, Verified, Verifier

ACCEPTED = datetime(2026, 11, 23, 17, 0, tzinfo=UTC)  # the 24th in China; four working days end on Monday the 30th
IN_TIME, LATE = ACCEPTED + timedelta(days=6), ACCEPTED + timedelta(days=7)
REQUEST = example_request()
OFFICER = Officer(name_or_id="jb-0017", office="示例一市甲区民政局")
RESOLUTION = Resolution(officer=OFFICER, state="explained", note="已核实", finding="F-1")
OBJECTION = Objection(
    officer=OFFICER,
    objector="father",
    cells=(
        AskedAgain(
            member="father", source="vehicle", grounds="车已售出", before="answered.records", after="answered.records", replaced=True
        ),
    ),
)
CLOSURE = GapClosure(officer=OFFICER, reason="来源不再反馈", gaps=("father:vehicle",))


@dataclass(frozen=True)
class Unsigned:
    """What no signer has touched."""

    payload: bytes = b""
    jws: str = ""
    digest: str = ""
    kid: str = ""


def _verifier(now: datetime) -> Verifier:
    return Verifier(SOURCES, {}, policies(), lambda _: Unsigned(), lambda: now, lambda: "id", "示例省核对中心")


def _job() -> Job:
    return Job("test", "client", "verification", REQUEST, 1, ACCEPTED)


def _codes(verified: Verified) -> set[str]:
    return {finding["code"] for finding in verified.report["findings"]}


def _first(at: datetime) -> Verified:
    return _verifier(at).version(_job(), answers(REQUEST))


def _after(first: Verified) -> Previous:
    header = first.report["header"]
    concluded = header["concluded_on"]
    return Previous("first", 1, first.answers, concluded_on=None if concluded is None else date.fromisoformat(concluded))


def test_due_after_working_days_from_the_day_in_china_on_which_it_was_accepted() -> None:
    header = _first(IN_TIME).report["header"]
    assert (header["accepted_on"], header["due_on"], header["concluded_on"]) == ("2026-11-24", "2026-11-30", "2026-11-30")


@pytest.mark.parametrize(("at", "late"), [(IN_TIME, False), (LATE, True)])
def test_there_on_the_last_day_is_in_time(at: datetime, *, late: bool) -> None:
    assert ("TIM-01" in _codes(_first(at))) is late


def test_what_answers_late_makes_it_late() -> None:
    first = _first(IN_TIME)
    assert "TIM-01" in _codes(_verifier(LATE).version(_job(), first.answers, replaces=_after(first)))


@pytest.mark.parametrize("first", [IN_TIME, LATE])
@pytest.mark.parametrize("act", [RESOLUTION, OBJECTION])
def test_what_an_officer_does_later_makes_it_neither_late_nor_timely(act: Amendment, first: datetime) -> None:
    before = _first(first)
    after = _verifier(LATE + timedelta(days=20)).amend(_job(), _after(before), act)
    assert after.report["header"]["concluded_on"] == before.report["header"]["concluded_on"]
    assert ("TIM-01" in _codes(after)) is ("TIM-01" in _codes(before))


def test_a_report_whose_gaps_are_closed_was_not_there_before() -> None:
    assert "TIM-01" in _codes(_verifier(LATE).amend(_job(), _after(_first(IN_TIME)), CLOSURE))


def test_what_answers_late_to_an_objection_makes_it_not_late() -> None:
    objected = [Made(2, IN_TIME, OBJECTION)]
    before = Previous("second", 2, answers(REQUEST), objected, concluded_on=IN_TIME.date())
    assert "TIM-01" not in _codes(_verifier(LATE).version(_job(), before.answers, replaces=before))


def test_what_was_never_disputed_is_still_due_after_an_objection() -> None:
    waiting = answers(REQUEST, mother={"securities": OutcomeCode.PENDING})
    before = Previous("second", 2, waiting, [Made(2, IN_TIME, OBJECTION)], concluded_on=IN_TIME.date())
    assert "TIM-01" in _codes(_verifier(LATE).version(_job(), asked_again(waiting, answers(REQUEST, ["securities"])), replaces=before))
    own_gap = CLOSURE.model_copy(update={"gaps": ("mother:securities",)})
    assert "TIM-01" in _codes(_verifier(LATE).amend(_job(), before, own_gap))
    assert "TIM-01" not in _codes(_verifier(LATE).amend(_job(), before, CLOSURE))


def test_of_a_report_from_before_these_days_were_told_nothing_is_said() -> None:
    before = Previous("first", 1, answers(REQUEST))
    assert "TIM-01" not in _codes(_verifier(LATE).amend(_job(), before, RESOLUTION))
