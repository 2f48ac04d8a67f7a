"""M1: in which form of a name a register is asked, and which forms of it in an answer are the same person's."""

import pytest

from tests.households import NOW, SOURCES, answer, answers, example_request, report
from tests.records import AS_OF, car
from verify_service.domain.identity import name_as_asked
from verify_service.domain.outcome import UNDER_FORMER_NAME, Question, Subject
from verify_service.domain.request import VerificationRequest
from verify_service.sources.reading import answered, same_identity
from verify_service.verification.grouping import seat_of
from verify_service.verification.plan import Asker, plan

DOTTED = "阿依古丽·示例"


@pytest.mark.parametrize(
    ("written", "asked"),
    [
        ("王示范", "王示范"),
        (" 王 示范 ", "王示范"),
        ("王\u3000示范", "王示范"),
        *((f"阿依古丽{dot}示例", DOTTED) for dot in "·•・‧･.．"),
        ("阿依古丽 · 示例", DOTTED),
        ("ＪＯＨＮ　Ｓｍｉｔｈ", "JOHN Smith"),
        ("John  F. Smith", "John F. Smith"),
        ("\U00020000 示例", "\U00020000示例"),
    ],
)
def test_a_register_is_asked_for_one_form(written: str, asked: str) -> None:
    assert name_as_asked(written) == asked
    assert name_as_asked(asked) == asked


def _named(name: str, *former: str) -> VerificationRequest:
    household = example_request().model_dump(mode="json")["household"]
    household["members"][0] |= {"name": name, "former_names": former}
    return example_request(household=household)


def test_every_question_has_that_form_and_its_digest_does_not_tell_the_forms_apart() -> None:
    laid_out = [
        plan(_named(name), asker=Asker("test", "v"), sources=SOURCES, connected=SOURCES, at=NOW).asked for name in ("王示范", "王　示范")
    ]
    one, other = ({(q.source, q.subject.name, q.digest) for qs in asked.values() for q in qs if q.member == "father"} for asked in laid_out)
    assert one == other
    assert {name for _, name, _ in one} == {"王示范"}


@pytest.mark.parametrize(
    ("registered", "same"),
    [
        (DOTTED, True),
        ("阿依古丽•示例", True),
        ("阿依古丽．示例", True),
        ("阿依古丽 ・ 示例", True),
        ("阿依古丽示例", False),
        ("阿依古丽·示列", False),
        ("阿依古丽", False),
    ],
)
def test_an_answer_binds_in_every_form_of_the_name_and_in_no_other_name(registered: str, *, same: bool) -> None:
    request = _named("阿依古丽・示例")
    father = request.household.members[0]
    question = answer(request, "father", "vehicle").question
    assert question.subject == Subject(father.id_number, father.name)
    assert same_identity(question, id_number=father.id_number.reveal(), name=registered) is same


def _asked_about_father(request: VerificationRequest) -> Question:
    laid_out = plan(request, asker=Asker("test", "v"), sources=SOURCES, connected=SOURCES, at=NOW).asked
    return next(q for q in laid_out["vehicle"] if q.member == "father")


def test_a_question_has_the_former_names_in_the_same_form_and_is_another_one_for_them() -> None:
    plain, former, again = (_asked_about_father(_named("王示范", *names)) for names in ((), ("王 旧例",), ("王旧例",)))
    assert former.subject.former_names == ("王旧例",)
    assert former.digest == again.digest != plain.digest
    assert seat_of(former) == seat_of(again) != seat_of(plain)


@pytest.mark.parametrize(
    ("registered", "same", "detail"),
    [
        ("王示范", True, ""),
        ("王旧例", True, UNDER_FORMER_NAME),
        ("王　旧例", True, UNDER_FORMER_NAME),
        ("王更旧例", True, UNDER_FORMER_NAME),
        ("王别例", False, ""),
    ],
)
def test_an_answer_binds_under_a_declared_former_name_and_says_so(registered: str, *, same: bool, detail: str) -> None:
    question = _asked_about_father(_named("王示范", "王旧例", "王更旧例"))
    number = question.subject.id_number.reveal()
    assert same_identity(question, id_number=number, name=registered) is same
    told = answered(question, [], as_of=AS_OF, exchanges=[], names=[registered, None]).outcome
    assert not same or told.detail == detail


def test_the_report_notes_the_former_name_and_does_not_doubt_the_person() -> None:
    request = _named("王示范", "王旧例")
    formerly = answer(request, "father", "vehicle", [car()], detail=UNDER_FORMER_NAME)
    others = [a for a in answers(request) if (a.question.member, a.question.source) != ("father", "vehicle")]
    whole = report(request, [formerly, *others])
    assert [n["about"] for n in whole["data_notes"] if n["code"] == "former_name"] == ["father:vehicle"]
    assert whole["header"]["state"] == "final"
    assert whole["property"]["vehicles_total"]["lower_pieces"] == 1
    assert "ID-02" not in {f["code"] for f in whole["findings"]}
