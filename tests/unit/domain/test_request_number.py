"""核对编号: form, check character, and what is noticed when a number is mistyped."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from verify_service.domain.request_number import MOST_SERIALS, check_character, request_number, request_number_holds

DAY = date(2026, 11, 24)
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def test_check_character_is_that_of_a_published_identifier() -> None:
    # The example of the Global Release Identifier standard, which uses the same system.
    assert check_character("A12425GABC1234002") == "M"


@pytest.mark.parametrize(
    ("serial", "number"),
    [(1, "HD99010120261124000001"), (999_999, "HD99010120261124999999"), (1_000_000, "HD99010120261124A00000")],
)
def test_number_is_region_day_and_serial(serial: int, number: str) -> None:
    assert request_number("990101", DAY, serial)[:-1] == number


@pytest.mark.parametrize("serial", [0, -1, MOST_SERIALS + 1])
def test_serial_outside_the_form_is_refused(serial: int) -> None:
    with pytest.raises(ValueError, match="no such serial"):
        request_number("990101", DAY, serial)


@given(st.integers(1, MOST_SERIALS), st.integers(0, 22), st.sampled_from(ALPHABET))
def test_every_mistyped_character_is_noticed(serial: int, place: int, typed: str) -> None:
    number = request_number("990101", DAY, serial)
    wrong = number[:place] + typed + number[place + 1 :]
    assert request_number_holds(wrong) is (wrong == number)


def test_nearly_all_exchanged_neighbours_are_noticed() -> None:
    numbers = [request_number("990101", DAY, serial) for serial in range(1, 100_000, 97)]
    exchanged = [n[:i] + n[i + 1] + n[i] + n[i + 2 :] for n in numbers for i in range(16, 22) if n[i] != n[i + 1]]
    assert sum(map(request_number_holds, exchanged)) * 100 < 2 * len(exchanged)
