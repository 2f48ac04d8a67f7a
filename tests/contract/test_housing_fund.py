"""The housing provident fund: adapter against simulated view, every case, and what must never pass as a fact."""

from collections.abc import Callable
from dataclasses import replace
from importlib.resources import files
from typing import Any

import orjson
import pytest

from tests.contract.replay import Contract, ask_about, assert_expected, assert_no_prefix_answers, replay
from verify_adapters.housing_fund.adapter import HousingFundAdapter
from verify_service.domain.identity import IdNumber
from verify_service.domain.outcome import Answer, OutcomeCode, Subject
from verify_service.sandbox.registers.housing_fund import COLUMNS, HousingFundRegister
from verify_service.sandbox.world import Spoilt, World
from verify_service.sources.adapter import Exchange
from verify_service.sources.cases import load_cases
from verify_service.sources.failures import SourceFailure

CASES = load_cases(files("verify_adapters.housing_fund") / "cases")
WHOLE_CALL = {"malformed", "unavailable_5xx"}


@pytest.fixture
def contract() -> Contract:
    return Contract.of(HousingFundAdapter(), HousingFundRegister)


async def evidence(contract: Contract, *names: str) -> list[Exchange]:
    client = contract.client()
    await contract.answers(*names, client=client)
    return client.exchanges


def changed(exchange: Exchange, change: Callable[[Any], object]) -> list[Exchange]:
    """Return the exchange with its result edited."""
    content = orjson.loads(exchange.body)
    change(content)
    return [replace(exchange, body=orjson.dumps(content))]


@pytest.mark.parametrize("name", CASES)
async def test_case(contract: Contract, name: str) -> None:
    await contract.answer_case(name)


async def test_each_person_of_a_call_is_answered_for_herself(contract: Contract) -> None:
    names = [name for name in CASES if name not in WHOLE_CALL]
    for name, answer in zip(names, await contract.answers(*names), strict=True):
        assert_expected(CASES[name], answer)


async def test_reading_again_gives_the_same_answers_also_for_some_of_the_people(contract: Contract) -> None:
    client, names = contract.client(), ("loan_with_address", "nothing_found", "unknown_state")
    answers = await contract.answers(*names, client=client)
    questions = contract.questions(*names)
    assert list(contract.adapter.read(questions, client.exchanges)) == list(answers)
    assert list(contract.adapter.read(questions[1:2], client.exchanges)) == [answers[1]]


async def test_no_prefix_answers(contract: Contract) -> None:
    for name in ("nothing_found", "loan_with_address"):
        assert_no_prefix_answers(contract.adapter, [contract.question(name)], await evidence(contract, name))


async def test_lost_rows_are_never_none(contract: Contract) -> None:
    """Whichever rows of an account's answer are lost, it is damage."""
    (whole,) = await evidence(contract, "loan_with_address")
    for lost in range(len(orjson.loads(whole.body)["rows"])):
        assert read_code(contract, "loan_with_address", changed(whole, without_row(lost))) is OutcomeCode.CONTRADICTION


def without_row(place: int) -> Callable[[Any], object]:
    return lambda content: content["rows"].pop(place)


async def test_swapped_identities_are_nobodys_answer(contract: Contract) -> None:
    (whole,) = await evidence(contract, "found", "nothing_found")
    first, second = (CASES[name].person.id_number.reveal() for name in ("found", "nothing_found"))

    def swap(content: Any) -> None:
        place = COLUMNS.index("sfzh")
        for row in content["rows"]:
            row[place] = {first: second, second: first}[row[place]]

    answers = contract.adapter.read(contract.questions("found", "nothing_found"), changed(whole, swap))
    assert [answer.outcome.code for answer in answers] == [OutcomeCode.BINDING] * 2


@pytest.mark.parametrize(
    "change",
    [
        lambda c: c.update(columns=c["columns"][::-1]),
        lambda c: c["columns"].pop(),
        lambda c: c["rows"][0].pop(),
        lambda c: c["rows"][0].__setitem__(0, "deposit"),
        lambda c: c["rows"][0].__setitem__(COLUMNS.index("zhts"), 0),
        lambda c: c.pop("rows"),
    ],
)
async def test_rows_of_another_shape_are_refused(contract: Contract, change: Callable[[Any], object]) -> None:
    (whole,) = await evidence(contract, "nothing_found")
    assert read_code(contract, "nothing_found", changed(whole, change)) is OutcomeCode.SCHEMA


def read_code(contract: Contract, name: str, exchanges: list[Exchange]) -> OutcomeCode:
    try:
        (answer,) = contract.adapter.read([contract.question(name)], exchanges)
    except SourceFailure as failure:
        return failure.code
    return answer.outcome.code


async def test_view_answers_its_own_statement_only(contract: Contract) -> None:
    register = HousingFundRegister(contract.world())
    with pytest.raises(ValueError, match="not the statement"):
        register.select("SELECT * FROM v_housing_fund", ["{}"])


async def test_name_is_not_sent(contract: Contract) -> None:
    (exchange,) = await evidence(contract, "person_not_found")
    assert CASES["person_not_found"].person.name.encode() not in exchange.body


async def test_synthetic_people_are_answered(contract: Contract) -> None:
    answers = await synthetic(contract, contract.world())
    assert {answer.outcome.code for answer in answers} <= {OutcomeCode.RECORDS, OutcomeCode.NO_RECORD, OutcomeCode.PERSON_NOT_FOUND}
    assert any(answer.records for answer in answers)


async def test_fault_profile_shows_in_the_view(contract: Contract) -> None:
    plain = await synthetic(contract, contract.world())
    twice = await synthetic(contract, contract.world(spoil=lambda _source, _number: Spoilt(duplicate_rows=True, old_number=True)))
    assert [a.records * 2 for a in plain] == [a.records for a in twice]
    away = await synthetic(contract, contract.world(spoil=lambda _source, _number: Spoilt(not_connected=True)))
    assert OutcomeCode.NOT_CONNECTED in {answer.outcome.code for answer in away}


async def synthetic(contract: Contract, world: World) -> list[Answer]:
    """Ask about up to 400 synthetic people in one call."""
    client = contract.client(world=world)
    numbers = [number for i in range(200) for number in world.population.household("990101", i)]
    found = filter(None, map(world.population.person, numbers[:400]))
    people = [Subject(IdNumber.parse(person.id_number), person.name) for person in found]
    questions = [ask_about(subject, "housing_fund", member=f"m{i}") for i, subject in enumerate(people)]
    return list(await replay(contract.adapter, client.register, questions, client=client))
