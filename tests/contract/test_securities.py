"""The securities depository: adapter against simulated register, every case, and what must never pass as a fact."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files

import orjson
import pytest

from tests.contract.replay import Contract, ask_about, assert_expected, assert_no_prefix_answers, collected
from verify_adapters.securities.adapter import SecuritiesAdapter
from verify_adapters.securities.request_file import request_file
from verify_service.domain.identity import IdNumber
from verify_service.domain.outcome import Answer, OutcomeClass, OutcomeCode, Subject
from verify_service.sandbox.registers.securities import SecuritiesRegister
from verify_service.sandbox.world import Spoilt, World
from verify_service.sources.adapter import Exchange, NotYet, WireRequest
from verify_service.sources.cases import load_cases
from verify_service.sources.failures import SourceFailure
from verify_service.sources.register import RegisterReply

CASES = load_cases(files("verify_adapters.securities") / "cases")
# What damages a file damages it for everybody in it, so these cases cannot share a call with others.
WHOLE_FILE = {"malformed", "login_page", "unavailable_5xx", "trailer_count_wrong", "trailer_digest_wrong"}


@pytest.fixture
def contract() -> Contract:
    return Contract.of(SecuritiesAdapter(), ready_at_once)


def ready_at_once(world: World) -> SecuritiesRegister:
    return SecuritiesRegister(world, ready_after_seconds=0)


ready_at_once.__module__ = SecuritiesRegister.__module__


def on_file(change: Callable[[bytes], bytes]) -> Callable[[RegisterReply], RegisterReply]:
    """Return a change of the answer file and nothing else."""
    return lambda reply: replace(reply, body=change(reply.body)) if "csv" in reply.headers["Content-Type"] else reply


def announcing(status: Exchange, body: bytes) -> Exchange:
    """Return the ticket's status as if the register had announced this body: no size or digest gives the damage away."""
    content = orjson.loads(status.body) | {"size": max(1, len(body)), "sha256": hashlib.sha256(body).hexdigest()}
    return replace(status, body=orjson.dumps(content))


async def evidence(contract: Contract, *names: str) -> list[Exchange]:
    client = contract.client()
    await contract.answers(*names, client=client)
    return client.exchanges


@pytest.mark.parametrize("name", CASES)
async def test_case(contract: Contract, name: str) -> None:
    await contract.answer_case(name)


async def test_each_person_of_a_file_is_answered_for_herself(contract: Contract) -> None:
    names = [name for name in CASES if name not in WHOLE_FILE]
    for name, answer in zip(names, await contract.answers(*names), strict=True):
        assert_expected(CASES[name], answer)


async def test_reading_again_gives_the_same_answers_also_for_some_of_the_people(contract: Contract) -> None:
    client = contract.client()
    questions = contract.questions("found", "nothing_found", "flag_only")
    answers = await contract.answers("found", "nothing_found", "flag_only", client=client)
    assert list(contract.adapter.read(questions, client.exchanges)) == list(answers)
    assert list(contract.adapter.read(questions[1:2], client.exchanges)) == [answers[1]]


async def test_partial_answer_counts_the_markets(contract: Contract) -> None:
    answer = await contract.answer_case("missing_market")
    assert answer.outcome.institutions == (4, 5)


async def test_same_dedupe_key_gives_the_same_ticket_and_another_file_is_refused(contract: Contract) -> None:
    client, adapter = contract.client(), SecuritiesAdapter()
    questions = contract.questions("found", "nothing_found")
    first = await adapter.submit(questions, client, dedupe_key="k1")
    assert await adapter.submit(questions[::-1], client, dedupe_key="k1") == first
    with pytest.raises(SourceFailure) as raised:
        await adapter.submit(questions[:1], client, dedupe_key="k1")
    assert raised.value.detail == "status 409"


async def test_not_ready_is_looked_at_later(contract: Contract) -> None:
    client = contract.client()
    client.register = SecuritiesRegister(contract.world(), ready_after_seconds=3)
    adapter, questions, began = SecuritiesAdapter(), contract.questions("found"), contract.clock.now()
    ticket = await adapter.submit(questions, client, dedupe_key="k1")
    assert ticket.next_look == began + timedelta(seconds=3)
    assert await adapter.collect(ticket, questions, client) == NotYet(ticket.next_look)
    (answer,) = await collected(adapter, ticket, questions, client)
    assert answer.outcome.code is OutcomeCode.RECORDS
    assert list(adapter.read(questions, client.exchanges)) == [answer]


@pytest.mark.parametrize(
    ("reason", "code"),
    [("maintenance", OutcomeCode.MAINTENANCE), ("not_authorised", OutcomeCode.NOT_AUTHORISED), ("internal", OutcomeCode.HTTP_5XX)],
)
async def test_failed_batch_says_why(contract: Contract, reason: str, code: OutcomeCode) -> None:
    (answer,) = await contract.answers("found", client=contract.client(change=failing(reason)))
    assert answer.outcome.code is code


def failing(reason: str) -> Callable[[RegisterReply], RegisterReply]:
    def change(reply: RegisterReply) -> RegisterReply:
        content = orjson.loads(reply.body)
        if "state" not in content:
            return reply
        return replace(reply, body=orjson.dumps({"ticket": content["ticket"], "state": "failed", "reason": reason}))

    return change


async def test_no_prefix_of_ticket_or_file_answers(contract: Contract) -> None:
    exchanges = await evidence(contract, "found")
    for which in (-2, -1):
        assert_no_prefix_answers(contract.adapter, contract.questions("found"), exchanges, which=which)


async def test_no_prefix_answers_even_if_the_register_announced_it(contract: Contract) -> None:
    *_, status, whole = await evidence(contract, "nothing_found")
    for length in range(len(whole.body)):
        cut = replace(whole, body=whole.body[:length])
        with pytest.raises(SourceFailure) as raised:
            contract.adapter.read(contract.questions("nothing_found"), [announcing(status, cut.body), cut])
        assert raised.value.code.outcome_class is OutcomeClass.INVALID


async def test_no_flipped_byte_is_read(contract: Contract) -> None:
    *_, status, whole = await evidence(contract, "found")
    for place in range(0, len(whole.body), 3):
        spoilt = bytearray(whole.body)
        spoilt[place] ^= 1
        changed = replace(whole, body=bytes(spoilt))
        with pytest.raises(SourceFailure) as raised:
            contract.adapter.read(contract.questions("found"), [announcing(status, changed.body), changed])
        assert raised.value.code.outcome_class is OutcomeClass.INVALID


async def test_swapped_identities_are_nobodys_answer(contract: Contract) -> None:
    first, second = (CASES[name].person.id_number.reveal().encode() for name in ("found", "nothing_found"))
    exchanges = await evidence(contract, "found", "nothing_found")
    body = resealed(exchanges[-1].body.replace(first, b"?").replace(second, first).replace(b"?", second))
    swapped = [announcing(exchanges[-2], body), replace(exchanges[-1], body=body)]
    answers = contract.adapter.read(contract.questions("found", "nothing_found"), swapped)
    assert [answer.outcome.code for answer in answers] == [OutcomeCode.BINDING] * 2


async def test_missing_person_is_a_contradiction(contract: Contract) -> None:
    exchanges = await evidence(contract, "found")
    (answer,) = contract.adapter.read([contract.question("nothing_found", member="m9")], exchanges)
    assert answer.outcome.code is OutcomeCode.CONTRADICTION


async def test_file_of_another_ticket_is_refused(contract: Contract) -> None:
    exchanges = await evidence(contract, "found")
    content = orjson.loads(exchanges[-2].body) | {"ticket": "CS-another-ticket"}
    with pytest.raises(SourceFailure) as raised:
        contract.adapter.read(contract.questions("found"), [replace(exchanges[-2], body=orjson.dumps(content)), exchanges[-1]])
    assert raised.value.code is OutcomeCode.BINDING


@pytest.mark.parametrize("spoilt", [{"X-Signature": "0" * 64}, {"X-Api-Key": "other"}, {"X-Timestamp": "1"}])
async def test_unsigned_or_old_calls_are_refused_by_the_register(contract: Contract, spoilt: dict[str, str]) -> None:
    (answer,) = await contract.answers("nothing_found", client=contract.client(change_request=with_headers(spoilt)))
    assert answer.outcome.code is OutcomeCode.NOT_AUTHORISED


def with_headers(headers: dict[str, str]) -> Callable[[WireRequest], WireRequest]:
    return lambda request: replace(request, headers={**request.headers, **headers})


async def test_nothing_personal_in_paths(contract: Contract) -> None:
    client = contract.client()
    await contract.answers("found", client=client)
    person = CASES["found"].person
    assert all(person.id_number.reveal() not in request.path and person.name not in request.path for request in client.requests)


async def test_request_file_does_not_depend_on_the_order(contract: Contract) -> None:
    questions = contract.questions("found", "nothing_found", "open_date_absent")
    assert request_file(questions) == request_file(questions[::-1])


async def test_synthetic_people_are_answered(contract: Contract) -> None:
    answers = await synthetic(contract, contract.world())
    assert {answer.outcome.code for answer in answers} <= {OutcomeCode.RECORDS, OutcomeCode.NO_RECORD, OutcomeCode.PERSON_NOT_FOUND}
    assert any(answer.records for answer in answers)


async def test_fault_profile_shows_in_the_file(contract: Contract) -> None:
    plain = await synthetic(contract, contract.world())
    twice = await synthetic(contract, contract.world(spoil=lambda _source, _number: Spoilt(duplicate_rows=True, old_number=True)))
    assert [a.records * 2 for a in plain] == [a.records for a in twice]
    away = await synthetic(contract, contract.world(spoil=lambda _source, _number: Spoilt(not_connected=True)))
    assert OutcomeCode.NOT_CONNECTED in {answer.outcome.code for answer in away}


async def synthetic(contract: Contract, world: World) -> list[Answer]:
    """Ask about 150 synthetic people in one file."""
    client = contract.client(world=world)
    numbers = [number for i in range(75) for number in world.population.household("990101", i)]
    found = filter(None, map(world.population.person, numbers[:150]))
    people = [Subject(IdNumber.parse(person.id_number), person.name) for person in found]
    questions = [ask_about(subject, "securities", member=f"m{i}") for i, subject in enumerate(people)]
    ticket = await SecuritiesAdapter().submit(questions, client, dedupe_key="k1")
    return list(await collected(SecuritiesAdapter(), ticket, questions, client))


def resealed(body: bytes) -> bytes:
    """Give a changed file a right digest again."""
    cut = body.rfind(b"\r\n", 0, -2) + 2
    kind, rows, persons, _ = body[cut:].split(b",")
    return body[:cut] + b",".join((kind, rows, persons, hashlib.sha256(body[:cut]).hexdigest().encode())) + b"\r\n"
