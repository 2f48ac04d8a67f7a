"""M1: in which form of a name a register is asked, and which forms of it in an answer are the same person's."""

import pytest

from tests.households import NOW, SOURCES, answer, example_request
from verify_service.domain.identity import name_as_asked
from verify_service.domain.outcome import Subject
from verify_service.domain.request import VerificationRequest
from verify_service.sources.reading import same_identity
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


def _named(name: str) -> VerificationRequest:
    household = example_request().model_dump(mode="json")["household"]
    household["members"][0]["name"] = name
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
