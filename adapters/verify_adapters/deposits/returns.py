"""The hub's returns: one XML document with every bank that has answered until now, read first as a whole, then per person.

    <Returns order= institutions="31" answered="27" persons="4" refused="1" state="open" next="600">
      <Refused serial= id= name= reason="查无此人"/>
      <Institution code="B01" name= form="amount" unit="元" order= persons="3">
        <Person serial= id= name= day= result="有" accounts="1"><Account …><Outflow day= amount=/></Account></Person>

The digest of the document is in the header `X-Hub-Digest`.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, TypeAdapter

from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.adapter import Exchange
from verify_service.sources.exact import Count, Day, coded
from verify_service.sources.failures import invalid
from verify_service.sources.reading import WireModel, note_leftovers, read_as, read_xml

T = TypeVar("T", bound=WireModel)


class Head(WireModel):
    """The document as a whole. `next`: seconds until a look is worth while, while it is open."""

    order: str
    institutions: Count
    answered: Count
    persons: Count
    refused: Count
    state: Literal["open", "closed"]
    next: Count | None = None


class Refusal(WireModel):
    """A person whom the hub passes on to no bank."""

    serial: str
    id: str
    name: str
    reason: Literal["查无此人", "姓名不符", "一证多人", "不予查询", "未接入"]


class Institution(WireModel):
    """One bank's return. form: amounts, or whether a limit is passed and no amount. unit: of every amount in it."""

    code: str
    name: str
    form: Literal["amount", "flag"]
    unit: Literal["元", "分"] | None = None
    order: str
    persons: Count


class Person(WireModel):
    """What one bank says of one person."""

    serial: str
    id: str
    name: str
    day: Day
    result: Literal["有", "无", "超限", "未超限"]
    accounts: Count


def _holders(value: object) -> object:
    return None if value == "未知" else int(value) if isinstance(value, str) and value.isdecimal() else value


class Account(WireModel):
    """One account. token: the same for every holder. balance and wealth are in the bank's unit."""

    token: str
    no: str
    kind: Annotated[Literal["demand", "time", "wealth"], coded({"活期": "demand", "定期": "time", "理财": "wealth"})]
    state: Annotated[Literal["normal", "frozen", "closed"], coded({"正常": "normal", "冻结": "frozen", "销户": "closed"})]
    currency: Annotated[
        Literal["CNY", "USD", "EUR", "HKD", "JPY"], coded({"人民币": "CNY", "美元": "USD", "欧元": "EUR", "港元": "HKD", "日元": "JPY"})
    ]
    balance: str
    opened: Day
    holders: Annotated[int | None, BeforeValidator(_holders)]
    share: str | None = None


class Outflow(WireModel):
    """A large payment out of the last six months, as the bank reports it."""

    day: Day
    amount: str


@dataclass(frozen=True, slots=True)
class Line:
    """What one bank says of one person, with her accounts still as they are on the wire: their damage is hers alone."""

    institution: Institution
    element: Any


@dataclass(frozen=True, slots=True)
class Returns:
    """The document, its counts verified: refusals and banks' lines by serial."""

    head: Head
    refused: Mapping[str, Refusal]
    lines: Mapping[str, Sequence[Line]]


_MODELS: dict[type[WireModel], TypeAdapter[Any]] = {m: TypeAdapter(m) for m in (Head, Refusal, Institution, Person, Account, Outflow)}


def attributes(element: Any, model: type[T]) -> T:
    """Read an element's attributes as a model. Raises invalid.schema."""
    found: T = read_as(_MODELS[model], dict(element.attrib))
    note_leftovers("deposits", [found])
    return found


def open_returns(exchange: Exchange) -> Returns:
    """Read the document as a whole. Raises signature, schema, contradiction, binding."""
    if exchange.headers.get("x-hub-digest") != hashlib.sha256(exchange.body).hexdigest():
        raise invalid(OutcomeCode.SIGNATURE, "digest of the returns")
    root = read_xml(exchange.body)
    if root.tag != "Returns":
        raise invalid(OutcomeCode.SCHEMA, "root element")
    head = attributes(root, Head)
    if head.state == "open" and head.next is None:
        raise invalid(OutcomeCode.SCHEMA, "open without a next look")
    refused = {r.serial: r for r in (attributes(e, Refusal) for e in _children(root, "Refused", among={"Institution"}))}
    banks = [(attributes(e, Institution), e) for e in _children(root, "Institution", among={"Refused"})]
    _counts_hold(head, refused, [bank for bank, _ in banks])
    return Returns(head, refused, _lines(head, banks))


def _children(element: Any, tag: str, *, among: frozenset[str] | set[str] = frozenset()) -> Iterator[Any]:
    for child in element:
        if child.tag != tag and child.tag not in among:
            raise invalid(OutcomeCode.SCHEMA, "unknown element")
        if child.tag == tag:
            yield child


def _counts_hold(head: Head, refused: Mapping[str, Refusal], banks: Sequence[Institution]) -> None:
    """Hold every count against what came. Raises contradiction, binding."""
    codes = {bank.code for bank in banks}
    if (
        len(banks) != head.answered
        or len(codes) != len(banks)
        or not head.answered <= head.institutions > 0
        or len(refused) != head.refused
    ):
        raise invalid(OutcomeCode.CONTRADICTION, "number of institutions or refusals")
    if any(bank.order != head.order for bank in banks):
        raise invalid(OutcomeCode.BINDING, "a bank's return for another order")


def _lines(head: Head, banks: Sequence[tuple[Institution, Any]]) -> dict[str, list[Line]]:
    found: dict[str, list[Line]] = {}
    for bank, element in banks:
        people = list(_children(element, "Person"))
        if len(people) != bank.persons or bank.persons != head.persons - head.refused:
            raise invalid(OutcomeCode.CONTRADICTION, "number of persons of a bank")
        for person in people:
            found.setdefault(person.get("serial", ""), []).append(Line(bank, person))
    return found
