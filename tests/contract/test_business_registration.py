"""The market entity register and its adapter: every case, one call for many, what must be refused on either side."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from importlib.resources import files
from typing import Any

import orjson
import pytest

from tests.contract.replay import Contract, ask_about, assert_expected, assert_no_prefix_answers, replay
from verify_adapters import business_registration
from verify_adapters.business_registration.adapter import BusinessRegistrationAdapter
from verify_service.domain.identity import IdNumber, check_character
from verify_service.domain.outcome import Answer, OutcomeCode, Subject
from verify_service.domain.records import BusinessRole
from verify_service.sandbox.population import Population
from verify_service.sandbox.population import truth as truths
from verify_service.sandbox.registers.business_registration import CREDENTIALS, BusinessRegistrationRegister
from verify_service.sandbox.world import Spoilt
from verify_service.sources.cases import load_cases
from verify_service.sources.failures import SourceFailure
from verify_service.sources.register import RegisterReply

CASES = load_cases(files(business_registration) / "cases")


@pytest.fixture
def contract() -> Contract:
    return Contract(BusinessRegistrationAdapter(), BusinessRegistrationRegister, CREDENTIALS, CASES)


def rewritten(change: Callable[[Any], object]) -> Callable[[RegisterReply], RegisterReply]:
    """Return a reply change that edits the body."""

    def apply(reply: RegisterReply) -> RegisterReply:
        value = orjson.loads(reply.body)
        change(value)
        return replace(reply, body=orjson.dumps(value))

    return apply


def codes(answers: Any) -> list[OutcomeCode]:
    return [answer.outcome.code for answer in answers]


@pytest.mark.parametrize("name", sorted(CASES))
async def test_every_case(contract: Contract, name: str) -> None:
    answer = await contract.answer_case(name)
    assert answer.outcome.as_of is None or answer.outcome.code.is_fact


async def test_many_in_one_call_each_answered_for_herself(contract: Contract) -> None:
    names = (
        "three_roles",
        "nothing_found",
        "person_not_found",
        "name_mismatch",
        "refused",
        "uscc_check_digit",
        "matched_by_name",
        "count_wrong",
    )
    client = contract.client()
    answers = await contract.answers(*names, client=client)
    for name, answer in zip(names, answers, strict=True):
        assert_expected(contract.cases[name], answer)
    assert len(client.requests) == 1
    assert list(BusinessRegistrationAdapter().read(contract.questions(*names), client.exchanges)) == list(answers)


async def test_the_rule_of_a_wrong_credit_code_is_named(contract: Contract) -> None:
    (answer,) = await contract.answers("uscc_check_digit")
    assert answer.outcome.detail == "uscc.check_digit"


def with_credit_code(text: str) -> Callable[[RegisterReply], RegisterReply]:
    return rewritten(lambda value: value["persons"][0]["roles"][0].update(uscc=text))


@pytest.mark.parametrize("place", range(18))
async def test_one_wrong_character_of_a_credit_code_is_found(contract: Contract, place: int) -> None:
    good = CASES["found"].expected.records[0]["uscc"]
    wrong = good[:place] + ("1" if good[place] == "0" else "0") + good[place + 1 :]
    (answer,) = await contract.answers("found", client=contract.client(change=with_credit_code(wrong)))
    assert (answer.outcome.code, answer.outcome.detail) == (OutcomeCode.SCHEMA, "uscc.check_digit")


async def test_a_credit_code_whose_organisation_code_is_wrong(contract: Contract) -> None:
    """The last character is right for the whole, the one before it wrong for the organisation code (GB 11714)."""
    alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
    good = CASES["found"].expected.records[0]["uscc"]
    head = good[:16] + ("1" if good[16] == "0" else "0")
    last = alphabet[-sum(alphabet.index(c) * pow(3, i, 31) for i, c in enumerate(head)) % 31]
    (answer,) = await contract.answers("found", client=contract.client(change=with_credit_code(head + last)))
    assert (answer.outcome.code, answer.outcome.detail) == (OutcomeCode.SCHEMA, "uscc.organisation_check_digit")


@pytest.mark.parametrize(("value", "detail"), [("91990101MA00SL01", "uscc.shape"), ("I" * 18, "uscc.shape")])
async def test_a_credit_code_of_another_shape(contract: Contract, value: str, detail: str) -> None:
    (answer,) = await contract.answers("found", client=contract.client(change=with_credit_code(value)))
    assert (answer.outcome.code, answer.outcome.detail) == (OutcomeCode.SCHEMA, detail)


async def test_one_person_asked_for_by_two_households(contract: Contract) -> None:
    assert codes(await contract.answers("found", "found")) == [OutcomeCode.RECORDS, OutcomeCode.RECORDS]


async def test_swapped_identities_bind_to_nobody(contract: Contract) -> None:
    def swap(value: Any) -> None:
        first, second, _ = value["persons"]
        first["idNumber"], second["idNumber"] = second["idNumber"], first["idNumber"]

    answers = await contract.answers("nothing_found", "found", "family_child", client=contract.client(change=rewritten(swap)))
    assert codes(answers) == [OutcomeCode.BINDING, OutcomeCode.BINDING, OutcomeCode.NO_RECORD]


def lose_one(value: Any) -> None:
    value["total"] = len(value["persons"]) - 1
    value["persons"].pop()


async def test_a_person_left_out_is_never_without_roles(contract: Contract) -> None:
    answers = await contract.answers("nothing_found", "family_child", client=contract.client(change=rewritten(lose_one)))
    assert codes(answers) == [OutcomeCode.NO_RECORD, OutcomeCode.CONTRADICTION]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda v: v["persons"][0].pop("roles"), OutcomeCode.SCHEMA, id="roles key missing"),
        pytest.param(lambda v: v["persons"][0].pop("roleCount"), OutcomeCode.SCHEMA, id="count key missing"),
        pytest.param(lambda v: v["persons"][0].pop("matchedBy"), OutcomeCode.SCHEMA, id="match key missing"),
        pytest.param(lambda v: v.pop("persons"), OutcomeCode.SCHEMA, id="persons key missing"),
        pytest.param(lambda v: v["persons"][0].update(result="MAYBE"), OutcomeCode.SCHEMA, id="unknown result"),
        pytest.param(lambda v: v["persons"][0].update(roleCount="0"), OutcomeCode.SCHEMA, id="count as text"),
        pytest.param(lambda v: v["persons"][0].update(seq=7), OutcomeCode.CONTRADICTION, id="place that was not asked"),
        pytest.param(lambda v: v.update(persons=v["persons"] * 2, total=2), OutcomeCode.CONTRADICTION, id="a place twice"),
        pytest.param(lambda v: v["persons"][0].update(name="别人"), OutcomeCode.BINDING, id="another name"),
        pytest.param(
            lambda v: v["persons"][0].update(result="NAME_MISMATCH", roleCount=1, roles=[{}]), OutcomeCode.CONTRADICTION, id="rows"
        ),
        pytest.param(lambda v: v["persons"][0].update(result="FOUND", roleCount=1, roles=[{}]), OutcomeCode.SCHEMA, id="empty row"),
        pytest.param(lambda v: v["persons"][0].update(result="FOUND"), OutcomeCode.CONTRADICTION, id="found without rows"),
        pytest.param(lambda v: v["persons"][0].update(roleCount=5001), OutcomeCode.LIMIT, id="too many"),
    ],
)
async def test_what_is_damaged_is_never_read_as_none(contract: Contract, change: Callable[[Any], object], expected: OutcomeCode) -> None:
    assert codes(await contract.answers("nothing_found", client=contract.client(change=rewritten(change)))) == [expected]


@pytest.mark.parametrize("field", sorted(CASES["found"].wire["roles"][0]) if CASES["found"].wire else [])
async def test_no_key_of_a_row_may_be_missing(contract: Contract, field: str) -> None:
    client = contract.client(change=rewritten(lambda v: v["persons"][0]["roles"][0].pop(field)))
    assert codes(await contract.answers("found", client=client)) == [OutcomeCode.SCHEMA]


@pytest.mark.parametrize(
    ("field", "value"), [("regCapital", "-1"), ("regCapital", "1.0000001"), ("regCapital", "1e3"), ("establishedOn", "2016")]
)
async def test_amounts_and_days_are_read_exactly(contract: Contract, field: str, value: object) -> None:
    client = contract.client(change=rewritten(lambda v: v["persons"][0]["roles"][0].update({field: value})))
    assert codes(await contract.answers("found", client=client)) == [OutcomeCode.SCHEMA]


async def test_established_after_the_day_of_the_data(contract: Contract) -> None:
    client = contract.client(change=rewritten(lambda v: v["persons"][0]["roles"][0].update(establishedOn="2026-11-24")))
    assert codes(await contract.answers("found", client=client)) == [OutcomeCode.CONTRADICTION]


async def test_an_unknown_field_does_no_harm(contract: Contract) -> None:
    client = contract.client(change=rewritten(lambda v: v["persons"][0].update(newField="x")))
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.NO_RECORD]


async def test_an_answer_kept_for_other_questions(contract: Contract) -> None:
    client = contract.client()
    await contract.answers("nothing_found", client=client)
    with pytest.raises(SourceFailure) as caught:
        BusinessRegistrationAdapter().read(contract.questions("family_child"), client.exchanges)
    assert caught.value.code is OutcomeCode.BINDING


async def test_the_same_question_answered_in_another_call(contract: Contract) -> None:
    kept = contract.client()
    await contract.answers("nothing_found", client=kept)
    whole = kept.exchanges[0]
    client = contract.client(change=lambda _: RegisterReply(200, whole.headers, whole.body))
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.BINDING]


@pytest.mark.parametrize(
    ("error", "code", "failed_by"),
    [
        ("Server.ClientProxy.NetworkError", OutcomeCode.CONNECTION, "network"),
        ("Server.ServerProxy.NetworkError", OutcomeCode.CONNECTION, "network"),
        ("Server.ClientProxy.OutdatedGlobalConf", OutcomeCode.CONNECTION, "us"),
        ("Server.ServerProxy.ServiceFailed", OutcomeCode.HTTP_5XX, "source"),
        ("Server.ServerProxy.UnknownService", OutcomeCode.NOT_CONNECTED, "source"),
        ("Client.BadRequest", OutcomeCode.NOT_AUTHORISED, "us"),
        ("990101196402020031", OutcomeCode.SCHEMA, "source"),
    ],
)
async def test_who_failed_behind_an_x_road_error(contract: Contract, error: str, code: OutcomeCode, failed_by: str) -> None:
    client = contract.client(change=lambda reply: RegisterReply(500, {**reply.headers, "x-road-error": error}, b"{}"))
    (answer,) = await contract.answers("nothing_found", client=client)
    assert (answer.outcome.code, answer.outcome.failed_by) == (code, failed_by)
    assert "1964" not in answer.outcome.detail


@pytest.mark.parametrize(("status", "code"), [(500, OutcomeCode.HTTP_5XX), (400, OutcomeCode.SCHEMA), (404, OutcomeCode.SCHEMA)])
async def test_a_status_without_x_road_error(contract: Contract, status: int, code: OutcomeCode) -> None:
    client = contract.client(change=lambda reply: replace(reply, status=status))
    assert codes(await contract.answers("nothing_found", client=client)) == [code]


async def test_no_prefix_is_an_answer(contract: Contract) -> None:
    client = contract.client()
    await contract.answers("found", client=client)
    assert_no_prefix_answers(BusinessRegistrationAdapter(), contract.questions("found"), client.exchanges)


@pytest.mark.parametrize(
    ("header", "value", "code"),
    [
        ("X-Road-Client", "CN-GOV/GOV/OTHER/x", OutcomeCode.NOT_AUTHORISED),
        ("X-Road-Service", "CN-GOV/GOV/SAMR/registration/other", OutcomeCode.NOT_CONNECTED),
        ("X-Road-Id", "17", OutcomeCode.NOT_AUTHORISED),
        ("X-Road-UserId", "", OutcomeCode.NOT_AUTHORISED),
        ("X-Road-Issue", "", OutcomeCode.NOT_AUTHORISED),
    ],
)
async def test_the_register_refuses_a_message_without_its_headers(contract: Contract, header: str, value: str, code: OutcomeCode) -> None:
    client = contract.client(change_request=lambda r: replace(r, headers={**r.headers, header: value}))
    assert codes(await contract.answers("nothing_found", client=client)) == [code]


async def test_a_body_changed_on_the_way_out_comes_back_with_another_hash(contract: Contract) -> None:
    client = contract.client(change_request=lambda r: replace(r, body=r.body + b" "))
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.BINDING]


async def test_no_person_in_path_or_headers(contract: Contract) -> None:
    client = contract.client()
    await contract.answers("found", client=client)
    (request,) = client.requests
    subject = contract.question("found").subject
    outside = f"{request.path} {dict(request.headers)}"
    assert subject.id_number.reveal() not in outside
    assert subject.name not in outside


def synthetic_people(count: int) -> list[str]:
    """Return numbers of people born in 1960 to 1989, spread over days."""
    bodies = (f"990101{1960 + i % 30}{i % 12 + 1:02d}{i % 28 + 1:02d}{i % 1000:03d}" for i in range(count))
    return [body + check_character(body) for body in bodies]


async def ask_synthetic(contract: Contract, spoilt: Spoilt) -> tuple[Population, list[Answer]]:
    """Ask about three hundred synthetic people, seven times as likely to have something."""
    population = Population(seed=7, as_of=contract.clock.now().date(), hits=7)
    world = contract.world(population=population, spoil=lambda _source, _number: spoilt)
    subjects = [Subject(IdNumber.parse(n), person.name) for n in synthetic_people(300) if (person := population.person(n))]
    questions = [ask_about(subject, "business_registration", member=f"m{i}") for i, subject in enumerate(subjects)]
    answers: list[Answer] = []
    for start in range(0, len(questions), 100):
        client = contract.client(world=world)
        answers += await replay(contract.adapter, client.register, questions[start : start + 100], client=client)
    return population, answers


def facts(record: object) -> tuple[object, ...]:
    assert isinstance(record, BusinessRole)
    paid = record.contribution
    capital = record.registered_capital_fen, paid and paid.subscribed_fen, paid and paid.paid_in_fen
    claim = record.name_borrow_claim and record.name_borrow_claimed_on
    return record.uscc, record.status.value, record.role, record.registration_status, claim, *capital


def truth(role: truths.BusinessRole, as_of: date) -> tuple[object, ...]:
    paid = role.contribution
    capital = role.registered_capital_fen, paid and paid.subscribed_fen, paid and paid.paid_in_fen
    claimed_on = role.name_borrow_claimed_on
    claim = claimed_on is not None and claimed_on <= as_of and claimed_on
    return role.uscc, role.status, role.role, role.registration_status, claim, *capital


@pytest.mark.parametrize("spoilt", [Spoilt(), Spoilt(duplicate_rows=True), Spoilt(old_number=True), Spoilt(stale_days=90)], ids=repr)
async def test_synthetic_people_are_read_as_what_is_true_of_them(contract: Contract, spoilt: Spoilt) -> None:
    population, answers = await ask_synthetic(contract, spoilt)
    seen = 0
    for answer in answers:
        person = population.person(answer.question.subject.id_number.reveal())
        assert person is not None
        if "business_registration" in person.absent_from:
            assert answer.outcome.code is OutcomeCode.PERSON_NOT_FOUND
            continue
        as_of = answer.outcome.as_of
        assert as_of is not None, answer.outcome
        true = [r for r in person.business_roles if max(r.established, r.approved) <= as_of]
        assert [facts(r) for r in answer.records] == [truth(r, as_of) for r in true] * (1 + spoilt.duplicate_rows)
        assert answer.outcome.code is (OutcomeCode.RECORDS if true else OutcomeCode.NO_RECORD)
        seen += len(true)
    assert seen > 20


async def test_a_region_off_the_platform_is_not_none(contract: Contract) -> None:
    _, answers = await ask_synthetic(contract, Spoilt(not_connected=True))
    assert set(codes(answers)) <= {OutcomeCode.NOT_CONNECTED, OutcomeCode.PERSON_NOT_FOUND}
