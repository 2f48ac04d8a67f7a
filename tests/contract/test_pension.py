"""The pension adapter against its simulated register: every case, several people, tokens, and damage on the way back."""

import dataclasses
from collections.abc import Iterator
from importlib.resources import files

import orjson
import pytest

from tests.contract.replay import Clock, Contract, assert_expected, assert_no_prefix_answers
from verify_adapters.pension.adapter import PensionAdapter
from verify_service.domain.outcome import OutcomeCode
from verify_service.sandbox.population.truth import Person
from verify_service.sandbox.registers.pension import PensionRegister
from verify_service.sandbox.world import Spoilt, World
from verify_service.sources.cases import CONTRACT_CLOCK, load_cases
from verify_service.sources.failures import SourceFailure
from verify_service.sources.register import RegisterReply

CASES = load_cases(files("verify_adapters.pension") / "cases")
MEMBERS = ("family_father", "family_mother", "family_child", "family_grandmother")


@pytest.fixture(scope="module")
def loaded():
    return Contract.of(PensionAdapter(), PensionRegister)


@pytest.fixture
def contract(loaded):
    return dataclasses.replace(loaded, clock=Clock())


def changing(*path: str | int, to: object):
    """Return a change of one value of a search's answer; `to` Ellipsis takes the member out."""

    def change(reply: RegisterReply) -> RegisterReply:
        body = orjson.loads(reply.body)
        if "message" not in body:
            return reply
        parent = body
        for step in path[:-1]:
            parent = parent[step]
        if to is ...:
            del parent[path[-1]]
        else:
            assert not isinstance(parent, dict) or parent.get(path[-1]) != to
            parent[path[-1]] = to
        return dataclasses.replace(reply, body=orjson.dumps(body))

    return change


@pytest.mark.parametrize("name", CASES)
async def test_case(contract, name):
    await contract.answer_case(name)


async def test_each_of_several_people_gets_her_own_answer(contract):
    names = (*MEMBERS, "found", "refused", "not_connected", "name_differs", "one_number_two_entries", "nothing_found", "stale")
    for name, answer in zip(names, await contract.answers(*names), strict=True):
        assert_expected(CASES[name], answer)


async def test_the_worked_example_holds(contract):
    """The father's three insurances cost him 471.87; of the grandmother's 228 yuan 163 are the exempt base (domain reference C5)."""
    father, _, _, grandmother = await contract.answers(*MEMBERS)
    assert sum(record.personal_fen for record in father.records) == 47187
    assert (grandmother.records[0].monthly_fen, grandmother.records[0].split.basic_fen) == (22800, 16300)


async def test_reading_a_stored_answer_again_gives_the_same_answers(contract):
    client = contract.client()
    answers = await contract.answers("found", "nothing_found", "refused", client=client)
    assert [e.step for e in client.exchanges] == ["search"]
    assert contract.adapter.read(contract.questions("found", "nothing_found", "refused"), client.exchanges) == answers
    with pytest.raises(SourceFailure):
        contract.adapter.read(contract.questions("found", "nothing_found", "refused"), [])


async def test_an_answer_to_other_questions_does_not_bind(contract):
    client = contract.client()
    await contract.answers("found", client=client)
    with pytest.raises(SourceFailure) as caught:
        contract.adapter.read(contract.questions("nothing_found", "found"), client.exchanges)
    assert caught.value.code is OutcomeCode.BINDING


async def test_asking_again_repeats_the_ids_so_that_nothing_is_charged_twice(contract):
    client = contract.client()
    for _ in range(2):
        await contract.answers("found", client=client)
    first, second = (orjson.loads(request.body) for request in client.requests if request.step == "search")
    assert first["header"]["message_id"] == second["header"]["message_id"]
    assert first["message"]["transaction_id"] == second["message"]["transaction_id"]


async def test_swapped_people_do_not_bind(contract):
    first, second = (CASES[n].person.id_number.reveal() for n in ("found", "several_records"))

    def swap(reply):
        body = reply.body.replace(first.encode(), b"#").replace(second.encode(), first.encode()).replace(b"#", second.encode())
        return dataclasses.replace(reply, body=body)

    answers = await contract.answers("found", "several_records", "nothing_found", client=contract.client(change=swap))
    assert [a.outcome.code for a in answers] == [OutcomeCode.BINDING, OutcomeCode.BINDING, OutcomeCode.NO_RECORD]


ANSWER = ("message", "search_response", 0)
DATA = (*ANSWER, "data")


@pytest.mark.parametrize(
    ("path", "to", "code"),
    [
        ((*DATA, "has_records"), True, OutcomeCode.CONTRADICTION),
        ((*DATA, "has_records"), ..., OutcomeCode.SCHEMA),
        ((*DATA, "record_count"), 1, OutcomeCode.CONTRADICTION),
        ((*DATA, "record_count"), "0", OutcomeCode.SCHEMA),
        ((*DATA, "reg_records"), ..., OutcomeCode.SCHEMA),
        ((*DATA, "reg_records"), None, OutcomeCode.SCHEMA),
        ((*DATA, "as_of"), "2026-12-01", OutcomeCode.CONTRADICTION),
        ((*DATA, "as_of"), "20261123", OutcomeCode.SCHEMA),
        ((*DATA, "person", "identifier"), [], OutcomeCode.SCHEMA),
        ((*DATA, "person", "identifier", 0, "identifier_value"), "990101195506010040", OutcomeCode.BINDING),
        (DATA, ..., OutcomeCode.SCHEMA),
        (DATA, None, OutcomeCode.SCHEMA),
        ((*ANSWER, "status"), "rjct", OutcomeCode.SCHEMA),
        ((*ANSWER, "status"), "pdng", OutcomeCode.MAINTENANCE),
        ((*ANSWER, "status"), "done", OutcomeCode.SCHEMA),
        ((*ANSWER, "pagination"), {"page_number": 1, "total_count": 0}, OutcomeCode.SCHEMA),
        ((*ANSWER, "reference_id"), "q-m9-pension", OutcomeCode.BINDING),
        (("message", "search_response"), [], OutcomeCode.CONTRADICTION),
        (("message", "transaction_id"), "another", OutcomeCode.BINDING),
        (("header", "message_id"), "another", OutcomeCode.BINDING),
        (("header", "completed_count"), 0, OutcomeCode.CONTRADICTION),
        (("header", "total_count"), 2, OutcomeCode.CONTRADICTION),
        (("header", "is_msg_encrypted"), True, OutcomeCode.SCHEMA),
        (("header", "status"), "rcvd", OutcomeCode.MAINTENANCE),
        (("header", "version"), "2.0.0", OutcomeCode.SCHEMA),
    ],
)
async def test_damage_is_never_no_record(contract, path, to, code):
    (answer,) = await contract.answers("nothing_found", client=contract.client(change=changing(*path, to=to)))
    assert answer.outcome.code is code


@pytest.mark.parametrize(
    ("field", "to", "code"),
    [
        ("ssn", "990101195506010040", OutcomeCode.BINDING),
        ("base", "6200", OutcomeCode.RECORDS),
        ("base", 6200, OutcomeCode.SCHEMA),
        ("base", "6,200.00", OutcomeCode.SCHEMA),
        ("base", "-6200.00", OutcomeCode.SCHEMA),
        ("month", "202613", OutcomeCode.SCHEMA),
        ("insurance_type", "999", OutcomeCode.SCHEMA),
        ("insured_state", "4", OutcomeCode.SCHEMA),
        ("@type", "Wage", OutcomeCode.SCHEMA),
        ("arrears", ..., OutcomeCode.SCHEMA),
        ("a_new_field", "anything", OutcomeCode.RECORDS),
    ],
)
async def test_a_row_is_read_strictly(contract, field, to, code):
    def change(reply: RegisterReply) -> RegisterReply:
        body = orjson.loads(reply.body)
        if "message" in body:
            row = body["message"]["search_response"][0]["data"]["reg_records"][0]
            row.pop(field) if to is ... else row.update({field: to})
        return dataclasses.replace(reply, body=orjson.dumps(body))

    (answer,) = await contract.answers("found", client=contract.client(change=change))
    assert answer.outcome.code is code


async def test_a_person_left_out_is_a_contradiction_for_her_alone(contract):
    def change(reply: RegisterReply) -> RegisterReply:
        body = orjson.loads(reply.body)
        if "message" in body:
            del body["message"]["search_response"][1]
            body["header"].update(total_count=1, completed_count=1)
        return dataclasses.replace(reply, body=orjson.dumps(body))

    answers = await contract.answers("found", "nothing_found", client=contract.client(change=change))
    assert [a.outcome.code for a in answers] == [OutcomeCode.RECORDS, OutcomeCode.CONTRADICTION]


async def test_a_token_serves_many_calls_until_it_ends(contract):
    client = contract.client()
    for _ in range(3):
        await contract.answers("found", client=client)
    assert [r.step for r in client.requests] == ["token", "search", "search", "search"]
    client.clock.instant = CONTRACT_CLOCK.replace(hour=CONTRACT_CLOCK.hour + 1)
    await contract.answers("found", client=client)
    assert [r.step for r in client.requests[4:]] == ["token", "search"]


async def test_a_token_that_is_no_longer_accepted_is_renewed_once(contract):
    client = contract.client()
    client.remember("access_token", "revoked", for_seconds=600)
    (answer,) = await contract.answers("found", client=client)
    assert answer.outcome.code is OutcomeCode.RECORDS
    assert [r.step for r in client.requests] == ["search", "token", "search"]


async def test_a_search_that_stays_unauthorised_is_refused(contract):
    def change(request):
        return dataclasses.replace(request, headers={**request.headers, "Authorization": "Bearer nonsense"})

    client = contract.client(change_request=change)
    client.remember("access_token", "revoked", for_seconds=600)
    (answer,) = await contract.answers("found", client=client)
    assert answer.outcome.code is OutcomeCode.NOT_AUTHORISED
    assert [r.step for r in client.requests] == ["search", "token", "search"]


async def test_a_wrong_secret_is_refused(contract):
    client = contract.client()
    client.credentials = {**client.credentials, "client_secret": "wrong"}
    (answer,) = await contract.answers("found", client=client)
    assert answer.outcome.code is OutcomeCode.NOT_AUTHORISED


async def test_credentials_are_no_evidence(contract):
    client = contract.client()
    await contract.answers("found", client=client)
    assert [e.step for e in client.exchanges] == ["search"]
    token = client.remembered("access_token")
    assert token is not None
    assert not [e for e in client.exchanges if token.encode() in e.body]


@dataclasses.dataclass(frozen=True)
class Everybody:
    """A population of one."""

    one: Person

    def person(self, _number: str) -> Person:
        return self.one


def insured(world: World) -> Iterator[Person]:
    numbers = (number for index in range(60) for number in world.population.household("990101", index))
    people = (world.population.person(number) for number in numbers)
    return (p for p in people if p is not None and (p.contributions or p.benefits) and world.source not in p.absent_from)


async def test_a_synthetic_person_is_read_as_she_is(contract):
    """What the population says is what the records say, field by field; an old number and repeated rows change nothing."""
    world = contract.world(spoil=lambda _source, _number: Spoilt(duplicate_rows=True, old_number=True))
    question, left, read = contract.question("found"), {"kind", "source_key", "disclosure"}, 0
    for person in insured(world):
        twin = dataclasses.replace(person, id_number=question.subject.id_number.reveal(), registered_name=question.subject.name)
        known = dataclasses.replace(world, cases={}, population=Everybody(twin))
        (answer,) = await contract.answers("found", client=contract.client(world=known))
        truth = [*map(dataclasses.asdict, person.contributions), *map(dataclasses.asdict, person.benefits)]
        assert [record.model_dump(exclude=left) for record in answer.records] == truth
        read += 1
    assert read > 20


async def test_no_prefix_of_an_answer_is_an_answer(contract):
    client = contract.client()
    await contract.answers("found", "nothing_found", client=client)
    assert_no_prefix_answers(contract.adapter, contract.questions("found", "nothing_found"), client.exchanges)


async def test_numbers_and_names_travel_in_the_body_only(contract):
    client = contract.client()
    await contract.answers(*MEMBERS, client=client)
    seen = repr(client.requests) + repr(client.exchanges)
    assert not [name for name in MEMBERS if CASES[name].person.id_number.reveal() in seen or CASES[name].person.name in seen]
