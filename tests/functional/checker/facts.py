"""I7 and I8: what a report says is what the register's bytes say of that person, by a reader of our own."""

from collections.abc import Iterator, Mapping
from typing import Any

from tests.functional.checker import reference
from tests.functional.checker.invariant import invariant
from tests.functional.checker.ledgers import Ledgers
from tests.functional.checker.reference import NO_FACT, NONE, SOME, Said


@invariant("I7", "each outcome in a report is what the reference reader says about the bytes in S")
def told_as_answered(ledgers: Ledgers) -> Iterator[str]:
    for cell, _report, said in _cells(ledgers):
        if cell["outcome"] in {SOME, NONE} and (said is None or said.what != cell["outcome"]):
            yield f"{cell['source']}: {cell['outcome']}, and the register said {'nothing' if said is None else said.what}"
        if said is not None and said.what != NO_FACT and cell["outcome"].startswith("identity."):
            yield f"{cell['source']}: {cell['outcome']}, and the register knew her"


@invariant("I8", "records and sums are those of the bytes in S")
def counted_as_answered(ledgers: Ledgers) -> Iterator[str]:
    for cell, report, said in _cells(ledgers):
        if cell["outcome"] != SOME or said is None:
            continue
        if cell["records"] != said.rows:
            yield f"{cell['source']}: {cell['records']} records of {said.rows} rows"
        sum_fen = reference.money(report, cell["source"], cell["member"])
        if sum_fen is not None and sum_fen != said.fen:
            yield f"{cell['source']}: other amounts than the register's"


def _cells(ledgers: Ledgers) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], Said | None]]:
    """Yield every cell of every report with what was said of its person in the answers that it names."""
    bodies = {(t.source, t.digest): t.body for t in ledgers.told if t.is_whole and t.body is not None}
    read: dict[tuple[str, str], Mapping[str, Said]] = {}
    for result in ledgers.receipts.results:
        report = result["report"]
        numbers = {m["ref"]: m["id_number"] for m in _members(report)}
        for cell in () if report is None else report["coverage"]:
            answers = [(cell["source"], digest) for digest in cell["answer_digests"]]
            for answer in answers:
                if answer in bodies and answer not in read:
                    read[answer] = reference.read(cell["source"], bodies[answer])
            said = (reference.found(read[answer], numbers[cell["member"]]) for answer in answers if answer in read)
            yield cell, report, next((each for each in said if each is not None), None)


def _members(report: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    if report is None:
        return []
    household = report["household"]
    return [*household["members"], *household["supporters"], *household["not_counted"]]
