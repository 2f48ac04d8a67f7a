"""What a process made at its start is no longer looked at by collections."""

import gc

from verify_service.running import lay_aside


def test_what_was_made_at_the_start_is_out_of_every_later_collection() -> None:
    early: list[object] = [[]]
    before = gc.get_freeze_count()
    try:
        lay_aside()
        assert gc.get_freeze_count() > before
        assert not any(each is early for each in gc.get_objects())
    finally:
        gc.unfreeze()
