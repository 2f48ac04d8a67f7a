"""The banks' hub: adapter against simulated register, every case, what waits for more banks, and what must never pass as a fact."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest

from tests.contract.replay import Contract, ReplayClient, ask_about, assert_expected, assert_no_prefix_answers
from verify_adapters.deposits.adapter import DepositsAdapter
from verify_adapters.deposits.order import order_xml
from verify_adapters.deposits.register import DepositsHub
from verify_service.domain.identity import IdNumber
from verify_service.domain.outcome import OutcomeClass, OutcomeCode, Subject
from verify_service.sandbox.world import World
from verify_service.sources.adapter import Exchange, NotYet, SoFar, WireRequest
from verify_service.sources.cases import load_cases
from verify_service.sources.failures import SourceFailure

CASES = load_cases(files("verify_adapters.deposits") / "cases")
# What damages the document damages it for everybody in it; late and silent banks are late for the whole order.
WHOLE_DOCUMENT = {
    *("malformed", "login_page", "unavailable_5xx", "truncated", "institution_count_wrong", "other_order", "signature_wrong"),
    *("late_banks", "late_bank_has_the_account", "silent_banks"),
}


def quick(world: World) -> DepositsHub:
    return DepositsHub(world, ready_after_seconds=2)


quick.__module__ = DepositsHub.__module__


@pytest.fixture
def contract() -> Contract:
    return Contract.of(DepositsAdapter(), quick)


async def evidence(contract: Contract, *names: str) -> list[Exchange]:
    client = contract.client()
    await contract.answers(*names, client=client)
    return client.exchanges


def resealed(exchange: Exchange, body: bytes) -> Exchange:
    """Return the exchange with another body and a right digest: only what is written in it gives the damage away."""
    return replace(exchange, body=body, headers={**exchange.headers, "x-hub-digest": hashlib.sha256(body).hexdigest()})


@pytest.mark.parametrize("name", CASES)
async def test_case(contract: Contract, name: str) -> None:
    await contract.answer_case(name)


async def test_each_person_of_an_order_is_answered_for_herself(contract: Contract) -> None:
    names = [name for name in CASES if name not in WHOLE_DOCUMENT]
    for name, answer in zip(names, await contract.answers(*names), strict=True):
        assert_expected(CASES[name], answer)


async def test_reading_again_gives_the_same_answers_also_for_some_of_the_people(contract: Contract) -> None:
    client = contract.client()
    questions = contract.questions("found", "nothing_found", "flag_over_limit")
    answers = await contract.answers("found", "nothing_found", "flag_over_limit", client=client)
    assert list(contract.adapter.read(questions, client.exchanges)) == list(answers)
    assert list(contract.adapter.read(questions[1:2], client.exchanges)) == [answers[1]]


async def looks(contract: Contract, name: str) -> list[Any]:
    """Look at each next look until the hub has closed the order; return what each look gave."""
    client, adapter, questions = contract.client(), DepositsAdapter(), contract.questions(name)
    ticket = await adapter.submit(questions, client, dedupe_key="k1")
    seen: list[Any] = [await adapter.collect(ticket, questions, client)]
    while isinstance(seen[-1], NotYet | SoFar):
        contract.clock.instant = seen[-1].next_look
        seen.append(await adapter.collect(ticket, questions, client))
    return seen


async def test_more_banks_answer_until_all_have(contract: Contract) -> None:
    first, second, last = await looks(contract, "late_bank_has_the_account")
    assert isinstance(first, NotYet)
    assert isinstance(second, SoFar)
    assert (second.answers[0].outcome.institutions, second.answers[0].records) == ((30, 31), ())
    assert second.next_look - first.next_look == timedelta(seconds=2)
    (answer,) = last
    assert answer.outcome.code is OutcomeCode.RECORDS
    assert answer.outcome.institutions is None


async def test_banks_that_never_answer_leave_a_lower_bound_when_the_order_is_closed(contract: Contract) -> None:
    *_, before, last = await looks(contract, "silent_banks")
    assert isinstance(before, SoFar)
    (answer,) = last
    assert answer.outcome.code is OutcomeCode.PARTIAL
    assert answer.outcome.institutions == (27, 31)
    assert len(answer.records) == 1


async def test_same_dedupe_key_gives_the_same_order_and_another_order_is_refused(contract: Contract) -> None:
    client, adapter = contract.client(), DepositsAdapter()
    questions = contract.questions("found", "nothing_found")
    first = await adapter.submit(questions, client, dedupe_key="k1")
    assert await adapter.submit(questions[::-1], client, dedupe_key="k1") == first
    with pytest.raises(SourceFailure) as raised:
        await adapter.submit(questions[:1], client, dedupe_key="k1")
    assert raised.value.detail == "status 409"


async def test_no_prefix_answers_even_if_it_is_sealed_anew(contract: Contract) -> None:
    exchanges = await evidence(contract, "found")
    assert_no_prefix_answers(contract.adapter, contract.questions("found"), exchanges)
    whole = exchanges[-1]
    for length in range(0, len(whole.body), 5):
        with pytest.raises(SourceFailure) as raised:
            contract.adapter.read(contract.questions("found"), [resealed(whole, whole.body[:length])])
        assert raised.value.code.outcome_class is OutcomeClass.INVALID


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "a bank left out": lambda body: body.replace(
        body[body.index(b'<Institution code="B02"') : body.index(b'<Institution code="B03"')], b""
    ),
    "a bank twice": lambda body: body.replace(b'code="B02"', b'code="B01"', 1),
    "a person left out at a bank": lambda body: body.replace(b'persons="1"><Person', b'persons="0"><Person', 2),
    "an unknown element": lambda body: body.replace(b"</Returns>", b"<Advertisement/></Returns>"),
    "an unknown state": lambda body: body.replace(b'state="closed"', b'state="maybe"'),
    "another root": lambda body: body.replace(b"Returns", b"Answers"),
}


@pytest.mark.parametrize("damage", DAMAGES)
async def test_no_document_that_does_not_hold_is_read(contract: Contract, damage: str) -> None:
    whole = (await evidence(contract, "nothing_found"))[-1]
    body = DAMAGES[damage](whole.body)
    assert body != whole.body
    with pytest.raises(SourceFailure) as raised:
        contract.adapter.read(contract.questions("nothing_found"), [resealed(whole, body)])
    assert raised.value.code.outcome_class is OutcomeClass.INVALID


async def test_swapped_identities_are_nobodys_answer(contract: Contract) -> None:
    first, second = (CASES[name].person.id_number.reveal().encode() for name in ("found", "nothing_found"))
    whole = (await evidence(contract, "found", "nothing_found"))[-1]
    body = whole.body.replace(first, b"?").replace(second, first).replace(b"?", second)
    answers = contract.adapter.read(contract.questions("found", "nothing_found"), [resealed(whole, body)])
    assert [answer.outcome.code for answer in answers] == [OutcomeCode.BINDING] * 2


async def test_a_person_who_is_not_in_the_returns_is_a_contradiction(contract: Contract) -> None:
    exchanges = await evidence(contract, "found")
    (answer,) = contract.adapter.read([contract.question("nothing_found", member="m9")], exchanges)
    assert answer.outcome.code is OutcomeCode.CONTRADICTION


async def test_the_returns_of_another_order_are_refused(contract: Contract) -> None:
    client, adapter, questions = contract.client(), DepositsAdapter(), contract.questions("found")
    ticket = await adapter.submit(questions, client, dedupe_key="k1")
    other = await adapter.submit(contract.questions("nothing_found"), client, dedupe_key="k2")
    contract.clock.instant = ticket.next_look
    client.change_request = lambda request: replace(request, path=request.path.replace(ticket.reference, other.reference))
    with pytest.raises(SourceFailure) as raised:
        await adapter.collect(ticket, questions, client)
    assert raised.value.code.outcome_class in {OutcomeClass.INVALID, OutcomeClass.REFUSED}


@pytest.mark.parametrize("spoilt", [{"X-Hub-Signature": "0" * 64}, {"X-Hub-Client": "other"}, {"X-Hub-Time": "1"}])
async def test_unsigned_or_old_calls_are_refused_by_the_hub(contract: Contract, spoilt: dict[str, str]) -> None:
    def change(request: WireRequest) -> WireRequest:
        return replace(request, headers={**request.headers, **spoilt})

    (answer,) = await contract.answers("nothing_found", client=contract.client(change_request=change))
    assert answer.outcome.code is OutcomeCode.NOT_AUTHORISED


async def test_nothing_personal_in_paths(contract: Contract) -> None:
    client = contract.client()
    await contract.answers("found", client=client)
    person = CASES["found"].person
    assert all(person.id_number.reveal() not in request.path and person.name not in request.path for request in client.requests)


async def test_the_order_does_not_depend_on_the_order_of_questions(contract: Contract) -> None:
    questions = contract.questions("found", "nothing_found", "joint_account")
    assert order_xml(questions, "k") == order_xml(questions[::-1], "k")


async def test_synthetic_people_are_answered(contract: Contract) -> None:
    client: ReplayClient = contract.client()
    population = contract.world().population
    numbers = [number for i in range(60) for number in population.household("990101", i)]
    people = [Subject(IdNumber.parse(p.id_number), p.registered_name) for p in map(population.person, numbers) if p]
    questions = [ask_about(subject, "deposits", member=f"m{i}") for i, subject in enumerate(people)]
    ticket = await DepositsAdapter().submit(questions, client, dedupe_key="k1")
    contract.clock.instant += timedelta(seconds=6)
    answers = await DepositsAdapter().collect(ticket, questions, client)
    assert not isinstance(answers, NotYet | SoFar)
    codes = {answer.outcome.code for answer in answers}
    assert codes <= {OutcomeCode.RECORDS, OutcomeCode.NO_RECORD, OutcomeCode.PARTIAL}
    assert len(codes) > 1 or OutcomeCode.PARTIAL in codes
    assert any(answer.records for answer in answers)
