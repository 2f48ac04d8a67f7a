"""The checker is believed because it finds what is wrong: twenty planted bugs, and the invariant that each of them breaks."""

from collections.abc import Iterator

import pytest

from tests.functional.checker import HELD, broken, numbers
from tests.functional.mutants import MUTANTS
from tests.functional.workshop import SCENES, Workshop, workshop

CAUGHT = [
    ("acknowledged_before_commit", "calm", "I1"),
    ("report_issued_twice", "calm", "I2"),
    ("row_dropped accounting_skipped", "calm", "I3"),
    ("row_counted_twice", "calm", "I3"),
    ("completed_before_accounting", "calm", "I3"),
    ("manifest_leaf_missing", "calm", "I3"),
    ("exchange_not_stored", "calm", "I4"),
    ("ticket_asked_twice", "restarted", "I5"),
    ("asked_after_cancel", "cancelled", "I6"),
    ("asked_without_consent", "half_consented", "I6"),
    ("quota_ignored", "many_calls", "I6"),
    ("answer_of_another_person", "calm", "I7"),
    ("no_record_for_unavailable", "unavailable", "I7"),
    ("record_lost", "calm", "I8"),
    ("log_line_missing", "calm", "I9"),
    ("end_not_told", "calm", "I10"),
    ("key_ignored", "calm", "I11"),
    ("fence_lowered", "calm", "I12"),
    ("tenant_ignored", "calm", "I13"),
    ("ticket_left_open", "calm", "I14"),
]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    with workshop(tmp_path_factory.mktemp("shop")) as opened:
        yield opened


@pytest.mark.parametrize("scene", SCENES)
def test_without_a_bug_the_checker_is_silent(shop: Workshop, scene: str) -> None:
    shop.turn()
    assert broken(shop.ledgers(SCENES[scene](shop))) == []


@pytest.mark.parametrize(("bugs", "scene", "invariant"), CAUGHT, ids=[bugs.partition(" ")[0] for bugs, _, _ in CAUGHT])
def test_bug_is_caught(shop: Workshop, bugs: str, scene: str, invariant: str) -> None:
    shop.turn(*bugs.split())
    try:
        receipts = SCENES[scene](shop)
        assert invariant in numbers(broken(shop.ledgers(receipts)))
    finally:
        shop.turn()


def test_every_invariant_has_a_bug_that_breaks_it() -> None:
    assert {invariant for _, _, invariant in CAUGHT} == {held.number for held in HELD}
    assert {name for bugs, _, _ in CAUGHT for name in bugs.split()} | {"dies"} == MUTANTS.keys()
