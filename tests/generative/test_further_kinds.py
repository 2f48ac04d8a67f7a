"""The laws of merging hold for kinds that sources bring: any order is one report, and an answer only narrows."""

import random
from collections.abc import Sequence
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.households import answers, merged, report
from tests.records import CANCELLED
from tests.spec.test_further_kinds import ALL, REQUEST, gold
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.records import FurtherRecord, Share
from verify_service.signing.canonical import canonical_bytes

REFS = [m.ref for m in REQUEST.household.members]
# What a register says of a joint thing it says to each of its holders alike.
VARIANTS = [
    gold(1000),
    gold(7, "bar 2"),
    gold(None, "bar 3"),
    gold(500, "bar 4", status=CANCELLED),
    gold(1000, "joint 1", holders=2),
    gold(300, "joint 2", holders=3, share=Share(numerator=1, denominator=5)),
    gold(900, "joint 3", holders=None),
    gold(None, "joint 4", holders=4),
    gold(11, "bar 5", findings=("GLD-01",)),
]
SAID = st.lists(st.sampled_from(VARIANTS), max_size=4, unique_by=lambda record: record.source_key)
HOUSEHOLD = st.fixed_dictionaries(dict.fromkeys(REFS, SAID))
SILENT = st.sampled_from([OutcomeCode.TIMEOUT, OutcomeCode.NO_CONSENT, OutcomeCode.TRUNCATED, OutcomeCode.PENDING, OutcomeCode.STALE])


def told(by_member: dict[str, Sequence[FurtherRecord]]) -> list[Answer]:
    return answers(REQUEST, tuple(ALL), **{ref: {"vault": records} for ref, records in by_member.items()})


@settings(max_examples=150)
@given(HOUSEHOLD, st.integers(0, 2**32))
def test_any_order_is_one_report(by_member: dict[str, Sequence[FurtherRecord]], seed: int) -> None:
    chance, straight = random.Random(seed), told(by_member)
    mixed = chance.sample([replace(a, records=tuple(chance.sample(a.records, len(a.records)))) for a in straight], len(straight))
    assert canonical_bytes(report(REQUEST, straight, sources=ALL)) == canonical_bytes(report(REQUEST, mixed, sources=ALL))


@settings(max_examples=150)
@given(HOUSEHOLD, st.sampled_from(REFS), SILENT, st.integers(0, 4))
def test_an_answer_narrows_the_figure_and_part_of_one_is_between(
    by_member: dict[str, Sequence[FurtherRecord]], silent: str, code: OutcomeCode, heard: int
) -> None:
    """Nothing, some institutions, all of them: the lower bound only rises, the upper one only falls."""

    def with_answer(outcome: OutcomeCode, records: Sequence[FurtherRecord]) -> list[Answer]:
        return [
            replace(a, records=tuple(records), outcome=replace(a.outcome, code=outcome))
            if (a.question.member, a.question.source) == (silent, "vault")
            else a
            for a in told(by_member)
        ]

    known = merged(REQUEST, told(by_member), ALL).figures["financial_assets"]
    part = merged(REQUEST, with_answer(OutcomeCode.PARTIAL, by_member[silent][:heard]), ALL).figures["financial_assets"]
    nothing = merged(REQUEST, with_answer(code, ()), ALL).figures["financial_assets"]
    assert nothing.lower <= part.lower <= known.lower
    assert nothing.upper is part.upper is None
    assert known.missing <= part.missing
    assert f"{silent}:vault" in part.missing & nothing.missing
