"""The property adapter against its simulated register: every case, several people, and damage on the way back."""

import dataclasses
from importlib.resources import files

import pytest

from tests.contract.replay import Contract, assert_expected, assert_no_prefix_answers
from verify_adapters.property.adapter import PropertyAdapter
from verify_service.domain.outcome import OutcomeCode
from verify_service.sandbox.population.truth import Person
from verify_service.sandbox.registers.property import PropertyRegister
from verify_service.sandbox.world import Spoilt, World
from verify_service.sources.adapter import WireRequest
from verify_service.sources.cases import load_cases
from verify_service.sources.failures import SourceFailure
from verify_service.sources.register import RegisterReply

CASES = load_cases(files("verify_adapters.property") / "cases")
MEMBERS = ("family_father", "family_mother", "family_child", "family_grandmother")


@pytest.fixture(scope="module")
def contract():
    return Contract.of(PropertyAdapter(), PropertyRegister)


def replacing(old: str, new: str):
    """Return a change of the reply's text that must change something."""

    def change(reply: RegisterReply) -> RegisterReply:
        assert old.encode() in reply.body
        return dataclasses.replace(reply, body=reply.body.replace(old.encode(), new.encode()))

    return change


@pytest.mark.parametrize("name", CASES)
async def test_case(contract, name):
    await contract.answer_case(name)


async def test_each_of_several_people_gets_her_own_answer(contract):
    names = (*MEMBERS, "found", "refused", "not_connected", "historic_rows", "nothing_found", "stale")
    answers = await contract.answers(*names)
    for name, answer in zip(names, answers, strict=True):
        assert_expected(CASES[name], answer)


async def test_spouses_see_one_home_from_both_sides(contract):
    father, mother = await contract.answers("family_father", "family_mother")
    assert father.records[0].source_key == mother.records[0].source_key
    assert father.records[0].co_owners[0].id_number == mother.question.subject.id_number
    assert mother.records[0].co_owners[0].id_number == father.question.subject.id_number


async def test_reading_stored_pages_again_gives_the_same_answers(contract):
    client = contract.client()
    answers = await contract.answers("several_pages", "found", "nothing_found", client=client)
    assert [e.step for e in client.exchanges] == ["page-1", "page-2"]
    assert contract.adapter.read(contract.questions("several_pages", "found", "nothing_found"), client.exchanges) == answers


async def test_a_stored_page_that_is_missing_is_a_contradiction(contract):
    client = contract.client()
    await contract.answers("several_pages", client=client)
    first, second = client.exchanges
    for kept in ([first], [second], [second, first], []):
        with pytest.raises(SourceFailure) as caught:
            contract.adapter.read(contract.questions("several_pages"), kept)
        assert caught.value.code is OutcomeCode.CONTRADICTION


async def test_answers_of_another_query_do_not_bind(contract):
    client = contract.client()
    await contract.answers("found", client=client)
    with pytest.raises(SourceFailure) as caught:
        contract.adapter.read(contract.questions("nothing_found", "found"), client.exchanges)
    assert caught.value.code is OutcomeCode.BINDING


async def test_swapped_people_do_not_bind(contract):
    first, second = (CASES[n].person.id_number.reveal() for n in ("found", "several_records"))

    def swap(reply):
        body = reply.body.replace(first.encode(), b"#").replace(second.encode(), first.encode()).replace(b"#", second.encode())
        return dataclasses.replace(reply, body=body)

    answers = await contract.answers("found", "several_records", "nothing_found", client=contract.client(change=swap))
    assert [a.outcome.code for a in answers] == [OutcomeCode.BINDING, OutcomeCode.BINDING, OutcomeCode.NO_RECORD]


async def test_a_row_of_another_holder_does_not_bind(contract):
    number = CASES["found"].person.id_number.reveal()
    change = replacing(f"<Row><XH>q-m1-property</XH><ZJHM>{number}", "<Row><XH>q-m1-property</XH><ZJHM>990101195506010040")
    (answer,) = await contract.answers("found", client=contract.client(change=change))
    assert answer.outcome.code is OutcomeCode.BINDING


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("<JLS>0</JLS>", "<JLS>1</JLS>", OutcomeCode.CONTRADICTION),
        ("<CXJG>0001</CXJG>", "<CXJG>0000</CXJG>", OutcomeCode.CONTRADICTION),
        ("<CXJG>0001</CXJG>", "<CXJG>0009</CXJG>", OutcomeCode.SCHEMA),
        ("<CXJG>0001</CXJG>", "", OutcomeCode.SCHEMA),
        ("<JLS>0</JLS>", "<JLS>0</JLS><JLS>0</JLS>", OutcomeCode.SCHEMA),
        ("<Rows></Rows>", "", OutcomeCode.SCHEMA),
        ("<Rows></Rows>", "<Rows>0</Rows>", OutcomeCode.SCHEMA),
        ("<TotalRows>0</TotalRows>", "<TotalRows>00</TotalRows>", OutcomeCode.SCHEMA),
        ("<RowsOnPage>0</RowsOnPage>", "<RowsOnPage>1</RowsOnPage>", OutcomeCode.CONTRADICTION),
        ("<PageNo>1</PageNo>", "<PageNo>2</PageNo>", OutcomeCode.CONTRADICTION),
        ("<PageCount>1</PageCount>", "<PageCount>21</PageCount>", OutcomeCode.LIMIT),
        ("<SJRQ>2026-11-23</SJRQ>", "", OutcomeCode.SCHEMA),
        ("<SJRQ>2026-11-23</SJRQ>", "<SJRQ>2026-12-01</SJRQ>", OutcomeCode.CONTRADICTION),
        ("<XH>q-m1-property</XH>", "<XH>q-m9-property</XH>", OutcomeCode.BINDING),
        ("QueryRightsResponse", "QueryRightsReply", OutcomeCode.SCHEMA),
    ],
)
async def test_damage_is_never_no_record(contract, old, new, code):
    (answer,) = await contract.answers("nothing_found", client=contract.client(change=replacing(old, new)))
    assert answer.outcome.code is code


async def test_a_person_left_out_is_a_contradiction_for_her_alone(contract):
    number, name = CASES["nothing_found"].person.id_number.reveal(), CASES["nothing_found"].person.name
    left_out = (
        f"<Person><XH>q-m2-property</XH><ZJHM>{number}</ZJHM><XM>{name}</XM><CXJG>0001</CXJG><JLS>0</JLS><SJRQ>2026-11-23</SJRQ></Person>"
    )
    answers = await contract.answers("found", "nothing_found", client=contract.client(change=replacing(left_out, "")))
    assert [a.outcome.code for a in answers] == [OutcomeCode.RECORDS, OutcomeCode.CONTRADICTION]


async def test_a_plain_500_is_unavailable(contract):
    for body in (b"Internal error", b"<html>oops</html>"):
        client = contract.client(change=lambda reply, body=body: dataclasses.replace(reply, status=500, body=body))
        (answer,) = await contract.answers("found", client=client)
        assert answer.outcome.code is OutcomeCode.HTTP_5XX


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<wsse:Password", b"<wsse:Passwort"),
        (b"Created>2026-", b"Created>2025-"),
        (b"sandbox-civil-affairs", b"somebody"),
        (b"Nonce>", b"Once>"),
    ],
)
async def test_the_register_refuses_a_token_that_does_not_hold(contract, old, new):
    def change(request: WireRequest) -> WireRequest:
        return dataclasses.replace(request, body=request.body.replace(old, new))

    (answer,) = await contract.answers("found", client=contract.client(change_request=change))
    assert answer.outcome.code in {OutcomeCode.NOT_AUTHORISED, OutcomeCode.SCHEMA}
    assert not answer.records


async def test_the_register_wants_the_soap_action(contract):
    client = contract.client(change_request=lambda request: dataclasses.replace(request, headers={"Content-Type": "text/xml"}))
    (answer,) = await contract.answers("found", client=client)
    assert answer.outcome.code is OutcomeCode.SCHEMA


async def test_old_numbers_and_repeated_rows_of_the_register_bind(contract):
    """A spoilt synthetic person: her file has 15 digits and every row twice."""
    world = contract.world(spoil=lambda _source, _number: Spoilt(duplicate_rows=True, old_number=True))
    question = contract.question("found")
    person = dataclasses.replace(_anybody(world), id_number=question.subject.id_number.reveal(), registered_name=question.subject.name)
    known = dataclasses.replace(world, cases={}, population=_Everybody(person))
    (answer,) = await contract.answers("found", client=contract.client(world=known))
    assert answer.outcome.code is OutcomeCode.RECORDS
    assert answer.records == 2 * answer.records[: len(person.homes)]


async def test_a_synthetic_home_is_read_as_it_is(contract):
    """What the population says is what the records say, field by field."""
    world = contract.world()
    for person in _owners(world):
        question = contract.question("found")
        twin = dataclasses.replace(person, id_number=question.subject.id_number.reveal(), registered_name=question.subject.name)
        known = dataclasses.replace(world, cases={}, population=_Everybody(twin))
        (answer,) = await contract.answers("found", client=contract.client(world=known))
        assert len(answer.records) == len(person.homes)
        for record, home in zip(answer.records, person.homes, strict=True):
            assert record.model_dump(exclude=LEFT) == {k: v for k, v in _dumped(home).items() if k not in LEFT}
            assert len(record.co_owners) == (len(home.co_owners) if home.co_owners_known else 0)


LEFT = {"kind", "source_key", "disclosure", "co_owners"}


def _dumped(home) -> dict[str, object]:
    return dataclasses.asdict(home)


@dataclasses.dataclass(frozen=True)
class _Everybody:
    """A population of one."""

    one: object

    def person(self, _number: str):
        return self.one


def _owners(world: World) -> list[Person]:
    people = (world.population.person(number) for index in range(400) for number in world.population.household("990101", index))
    return [p for p in people if p is not None and p.homes and world.source not in p.absent_from]


def _anybody(world: World) -> Person:
    return _owners(world)[0]


async def test_no_prefix_of_an_answer_is_an_answer(contract):
    client = contract.client()
    await contract.answers("found", "nothing_found", client=client)
    assert_no_prefix_answers(contract.adapter, contract.questions("found", "nothing_found"), client.exchanges)


async def test_numbers_and_names_travel_in_the_body_only(contract):
    client = contract.client()
    await contract.answers(*MEMBERS, client=client)
    seen = repr(client.requests) + repr(client.exchanges) + client.requests[0].path
    assert not [name for name in MEMBERS if CASES[name].person.id_number.reveal() in seen or CASES[name].person.name in seen]
