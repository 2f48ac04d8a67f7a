"""The vehicle register and its adapter: every case, one call for many, what must be refused on either side."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from importlib.resources import files
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives import hashes

from tests.contract.replay import Contract, ask_about, assert_expected, assert_no_prefix_answers, replay
from verify_adapters import vehicle
from verify_adapters.vehicle.adapter import VehicleAdapter
from verify_service.domain.identity import IdNumber, check_character
from verify_service.domain.outcome import Answer, OutcomeCode, Subject
from verify_service.sandbox.population import Population
from verify_service.sandbox.registers.vehicle import CREDENTIALS, VehicleRegister
from verify_service.sandbox.world import Spoilt
from verify_service.sources.adapter import Exchange
from verify_service.sources.cases import load_cases
from verify_service.sources.failures import SourceFailure
from verify_service.sources.register import RegisterReply

CASES = load_cases(files(vehicle) / "cases")


@pytest.fixture
def contract() -> Contract:
    return Contract(VehicleAdapter(), VehicleRegister, CREDENTIALS, CASES)


def sm3(data: bytes) -> str:
    digest = hashes.Hash(hashes.SM3())
    digest.update(data)
    return digest.finalize().hex()


def rewritten(change: Callable[[Any], object]) -> Callable[[RegisterReply], RegisterReply]:
    """Return a reply change that edits the body and seals it again, so that only the content is wrong."""

    def apply(reply: RegisterReply) -> RegisterReply:
        value = orjson.loads(reply.body)
        change(value)
        body = orjson.dumps(value)
        return replace(reply, body=body, headers={**reply.headers, "x-content-sm3": sm3(body)})

    return apply


def codes(answers: Any) -> list[OutcomeCode]:
    return [answer.outcome.code for answer in answers]


@pytest.mark.parametrize("name", sorted(CASES))
async def test_every_case(contract: Contract, name: str) -> None:
    answer = await contract.answer_case(name)
    assert answer.outcome.as_of is None or answer.outcome.code.is_fact


async def test_many_in_one_call_each_answered_for_herself(contract: Contract) -> None:
    names = (
        "found",
        "nothing_found",
        "person_not_found",
        "name_mismatch",
        "refused",
        "count_wrong",
        "car_of_another_person",
        "not_connected",
    )
    client = contract.client()
    answers = await contract.answers(*names, client=client)
    for name, answer in zip(names, answers, strict=True):
        assert_expected(contract.cases[name], answer)
    assert len(client.requests) == 1
    assert list(VehicleAdapter().read(contract.questions(*names), client.exchanges)) == list(answers)


async def test_one_person_asked_for_by_two_households(contract: Contract) -> None:
    assert codes(await contract.answers("found", "found")) == [OutcomeCode.RECORDS, OutcomeCode.RECORDS]


async def test_swapped_identities_bind_to_nobody(contract: Contract) -> None:
    def swap(value: Any) -> None:
        first, second, _ = value["results"]
        first["sfzmhm"], second["sfzmhm"] = second["sfzmhm"], first["sfzmhm"]

    answers = await contract.answers("nothing_found", "found", "family_child", client=contract.client(change=rewritten(swap)))
    assert codes(answers) == [OutcomeCode.BINDING, OutcomeCode.BINDING, OutcomeCode.NO_RECORD]


def lose_one(value: Any) -> None:
    value["total"] = len(value["results"]) - 1
    value["results"].pop()


async def test_a_person_left_out_is_never_without_vehicles(contract: Contract) -> None:
    answers = await contract.answers("nothing_found", "family_child", client=contract.client(change=rewritten(lose_one)))
    assert codes(answers) == [OutcomeCode.NO_RECORD, OutcomeCode.CONTRADICTION]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda v: v["results"][0].pop("vehicles"), OutcomeCode.SCHEMA, id="rows key missing"),
        pytest.param(lambda v: v["results"][0].pop("count"), OutcomeCode.SCHEMA, id="count key missing"),
        pytest.param(lambda v: v.pop("results"), OutcomeCode.SCHEMA, id="results key missing"),
        pytest.param(lambda v: v["results"][0].update(status="09"), OutcomeCode.SCHEMA, id="unknown status"),
        pytest.param(lambda v: v["results"][0].update(count="0"), OutcomeCode.SCHEMA, id="count as text"),
        pytest.param(lambda v: v["results"][0].update(xh="7"), OutcomeCode.CONTRADICTION, id="place that was not asked"),
        pytest.param(lambda v: v.update(results=v["results"] * 2, total=2), OutcomeCode.CONTRADICTION, id="a place twice"),
        pytest.param(lambda v: v["results"][0].update(xm="别人"), OutcomeCode.BINDING, id="another name"),
        pytest.param(lambda v: v["results"][0].update(sfzmhm="12"), OutcomeCode.BINDING, id="no identity number"),
        pytest.param(
            lambda v: v["results"][0].update(status="02", count=1, vehicles=[{}]), OutcomeCode.CONTRADICTION, id="nobody with rows"
        ),
        pytest.param(lambda v: v["results"][0].update(status="00", count=1, vehicles=[{}]), OutcomeCode.SCHEMA, id="empty row"),
        pytest.param(lambda v: v["results"][0].update(count=5001, vehicles=[]), OutcomeCode.LIMIT, id="too many"),
        pytest.param(lambda v: v.update(code="0000", requestId="x"), OutcomeCode.BINDING, id="request id in the body"),
    ],
)
async def test_what_is_damaged_is_never_read_as_none(contract: Contract, change: Callable[[Any], object], expected: OutcomeCode) -> None:
    assert codes(await contract.answers("nothing_found", client=contract.client(change=rewritten(change)))) == [expected]


@pytest.mark.parametrize("field", sorted(CASES["found"].wire["vehicles"][0]) if CASES["found"].wire else [])
async def test_no_key_of_a_row_may_be_missing(contract: Contract, field: str) -> None:
    client = contract.client(change=rewritten(lambda v: v["results"][0]["vehicles"][0].pop(field)))
    assert codes(await contract.answers("found", client=client)) == [OutcomeCode.SCHEMA]


@pytest.mark.parametrize(("field", "value"), [("djyz", "-1.00"), ("djyz", 4000), ("djyz", "4000.001"), ("pl", -1), ("ccdjrq", "20180511")])
async def test_amounts_and_days_are_read_exactly(contract: Contract, field: str, value: object) -> None:
    client = contract.client(change=rewritten(lambda v: v["results"][0]["vehicles"][0].update({field: value})))
    assert codes(await contract.answers("found", client=client)) == [OutcomeCode.SCHEMA]


async def test_an_unknown_field_is_named_and_does_no_harm(contract: Contract) -> None:
    client = contract.client(change=rewritten(lambda v: v["results"][0].update(newField="x")))
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.NO_RECORD]


async def test_a_body_that_its_digest_does_not_cover(contract: Contract) -> None:
    client = contract.client(change=lambda reply: replace(reply, body=reply.body.replace(b'"01"', b'"00"')))
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.SIGNATURE]


async def test_an_answer_without_digest(contract: Contract) -> None:
    client = contract.client(change=lambda reply: replace(reply, headers={"content-type": "application/json"}))
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.SIGNATURE]


async def test_the_answer_to_another_call(contract: Contract) -> None:
    kept = contract.client()
    await contract.answers("nothing_found", client=kept)
    whole = kept.exchanges[0]
    client = contract.client(change=lambda _: RegisterReply(200, whole.headers, whole.body))
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.BINDING]


def resealed(whole: Exchange, body: bytes) -> Exchange:
    return replace(whole, body=body, headers={**whole.headers, "x-content-sm3": sm3(body)})


async def test_no_prefix_is_an_answer(contract: Contract) -> None:
    client = contract.client()
    await contract.answers("found", client=client)
    questions, (whole,) = contract.questions("found"), client.exchanges
    assert_no_prefix_answers(VehicleAdapter(), questions, [whole])
    for length in range(len(whole.body)):
        with pytest.raises(SourceFailure) as caught:
            VehicleAdapter().read(questions, [resealed(whole, whole.body[:length])])
        assert caught.value.code is OutcomeCode.SCHEMA


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("X-Signature", "0" * 64),
        ("X-App-Id", "somebody"),
        ("X-Sign-Type", "HMAC-SHA256"),
        ("X-Nonce", ""),
        ("X-Timestamp", "0"),
    ],
)
async def test_the_register_refuses_a_request_that_it_cannot_believe(contract: Contract, header: str, value: str) -> None:
    client = contract.client(change_request=lambda r: replace(r, headers={**r.headers, header: value}))
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.NOT_AUTHORISED]


async def test_the_register_refuses_a_changed_body(contract: Contract) -> None:
    client = contract.client(change_request=lambda r: replace(r, body=r.body + b" "))
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.NOT_AUTHORISED]


async def test_the_register_refuses_a_nonce_twice(contract: Contract) -> None:
    client = contract.client()
    await contract.answers("nothing_found", client=client)
    client.change_request = lambda _: client.requests[0]
    assert codes(await contract.answers("nothing_found", client=client)) == [OutcomeCode.NOT_AUTHORISED]


@pytest.mark.parametrize(
    ("minutes", "expected"), [(4, OutcomeCode.NO_RECORD), (6, OutcomeCode.NOT_AUTHORISED), (-6, OutcomeCode.NOT_AUTHORISED)]
)
async def test_the_register_allows_five_minutes_of_skew(contract: Contract, minutes: int, expected: OutcomeCode) -> None:
    early = contract.clock.now() + timedelta(minutes=minutes)
    client = contract.client(world=contract.world(now=lambda: early))
    assert codes(await contract.answers("nothing_found", client=client)) == [expected]


async def test_sha256_where_the_credential_says_so() -> None:
    contract = Contract(VehicleAdapter(), VehicleRegister, {**CREDENTIALS, "sign_type": "HMAC-SHA256"}, CASES)
    client = contract.client()
    assert codes(await contract.answers("found", client=client)) == [OutcomeCode.RECORDS]
    assert client.exchanges[0].headers["x-content-sha256"] == hashlib.sha256(client.exchanges[0].body).hexdigest()


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
    questions = [ask_about(subject, "vehicle", member=f"m{i}") for i, subject in enumerate(subjects)]
    answers: list[Answer] = []
    for start in range(0, len(questions), 50):
        client = contract.client(world=world)
        answers += await replay(contract.adapter, client.register, questions[start : start + 50], client=client)
    return population, answers


@pytest.mark.parametrize("spoilt", [Spoilt(), Spoilt(duplicate_rows=True), Spoilt(old_number=True), Spoilt(stale_days=90)], ids=repr)
async def test_synthetic_people_are_read_as_what_is_true_of_them(contract: Contract, spoilt: Spoilt) -> None:
    population, answers = await ask_synthetic(contract, spoilt)
    seen = 0
    for answer in answers:
        person = population.person(answer.question.subject.id_number.reveal())
        assert person is not None
        if "vehicle" in person.absent_from:
            assert answer.outcome.code is OutcomeCode.PERSON_NOT_FOUND
            continue
        as_of = answer.outcome.as_of
        assert as_of is not None, answer.outcome
        true = [v for v in person.vehicles if max(v.first_registered, v.acquired) <= as_of]
        assert [(r.source_key, r.status.value) for r in answer.records] == [(v.vin, v.status) for v in true] * (1 + spoilt.duplicate_rows)
        assert answer.outcome.code is (OutcomeCode.RECORDS if true else OutcomeCode.NO_RECORD)
        seen += len(true)
    assert seen > 20


async def test_a_region_off_the_platform_is_not_none(contract: Contract) -> None:
    _, answers = await ask_synthetic(contract, Spoilt(not_connected=True))
    assert set(codes(answers)) <= {OutcomeCode.NOT_CONNECTED, OutcomeCode.PERSON_NOT_FOUND}
