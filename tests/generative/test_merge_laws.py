"""Laws of merging beyond its order: which register said it, who was silent, and among how many owners a thing is split."""

from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.generative.test_merge_order import CELLS, REFS, REQUEST, SILENT, evidence
from tests.households import SOURCES, answers, merged, report, source
from tests.records import home
from verify_service.domain.outcome import Answer, OutcomeCode
from verify_service.domain.records import CoOwner, Share
from verify_service.signing.canonical import canonical_bytes

TWICE = {**SOURCES, **{f"z_{name}": source(f"z_{name}", SOURCES[name].kinds, level="city") for name in SOURCES}}
OWNERS = {m.ref: m.id_number for m in REQUEST.household.members}


def _moved(given: list[Answer], moved: set[str]) -> list[Answer]:
    """Return the answers in which, for some sources, a second register of the same kinds said all of it."""
    said = {(a.question.member, a.question.source): a for a in given}
    told: list[Answer] = []
    for ref in REFS:
        for name in SOURCES:
            for register in (name, f"z_{name}"):
                speaks = (register != name) == (name in moved)
                mine = said[ref, name]
                quiet = replace(mine, records=(), outcome=replace(mine.outcome, code=OutcomeCode.NO_RECORD))
                told.append(replace(mine if speaks else quiet, question=replace(mine.question, source=register)))
    return told


@settings(max_examples=60)
@given(evidence(), st.sets(st.sampled_from(sorted(SOURCES))))
def test_which_register_of_a_kind_said_it_changes_no_figure(given: list[Answer], moved: set[str]) -> None:
    one, other = (merged(REQUEST, _moved(given, which), TWICE).figures for which in (moved, set[str]()))
    assert {name: (f.lower, f.upper) for name, f in one.items()} == {name: (f.lower, f.upper) for name, f in other.items()}


@settings(max_examples=60)
@given(evidence(), CELLS, st.sampled_from(SILENT))
def test_silence_never_makes_a_figure_look_smaller_than_none(given: list[Answer], cell: tuple[str, str], code: OutcomeCode) -> None:
    none = [_silenced(a, OutcomeCode.NO_RECORD) if (a.question.member, a.question.source) == cell else a for a in given]
    silent = [_silenced(a, code) if (a.question.member, a.question.source) == cell else a for a in given]
    for figure, known in merged(REQUEST, none).figures.items():
        guess = merged(REQUEST, silent).figures[figure]
        assert guess.upper is None or (known.upper is not None and guess.upper >= known.upper), figure
        # A silent register may have deductions to tell, so the surely earned sinks; what is owned never does.
        assert guess.lower >= known.lower or figure.startswith("income_"), figure


def _silenced(answer: Answer, code: OutcomeCode) -> Answer:
    return replace(answer, records=(), outcome=replace(answer.outcome, code=code))


@settings(max_examples=100)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=4), st.booleans(), st.permutations(sorted(OWNERS)))
def test_however_a_home_is_split_among_the_household_it_is_one_home_and_whole(parts: list[int], joint: bool, refs: list[str]) -> None:
    holders, whole = refs[: len(parts)], sum(parts)
    said: dict[str, Any] = {}
    for ref, part in zip(holders, parts, strict=True):
        others = tuple(CoOwner(name="某某", id_number=OWNERS[r]) for r in holders if r != ref)
        share = None if joint else Share(numerator=part, denominator=whole)
        said[ref] = {"property": [home(co_ownership="joint" if joint else "shares", share=share, co_owners=others)]}
    one, split = (merged(REQUEST, answers(REQUEST, **s)) for s in ({"father": {"property": [home()]}}, said))
    for figure in ("homes", "home_area_per_capita", "non_residential"):
        assert split.figures[figure] == one.figures[figure]
    assert split.homes[0].share == Fraction(1)


@settings(max_examples=40)
@given(evidence())
def test_the_same_input_gives_the_same_bytes(given: list[Answer]) -> None:
    assert canonical_bytes(report(REQUEST, given)) == canonical_bytes(report(REQUEST, list(given)))
