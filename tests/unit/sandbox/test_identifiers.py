"""The builders and checkers of identifiers, against the test vectors of domain reference B11."""

import pytest

from verify_service.sandbox.population.identifiers import (
    build_unit_code,
    build_uscc,
    build_vin,
    id_number_is_synthetic,
    unit_code_is_valid,
    uscc_is_valid,
    vin_is_valid,
)
from verify_service.sandbox.population.stream import DigestStream


@pytest.mark.parametrize(("vin", "valid"), [("1M8GDM9AXKP042788", True), ("11111111111111111", True), ("1M8GDM9A1KP042788", False)])
def test_vin_vectors(vin, valid):
    assert vin_is_valid(vin) is valid


@pytest.mark.parametrize("wrong", ["IM8GDM9AXKP042788", "1M8GDM9AXKP04278", ""])
def test_vin_of_a_wrong_shape(wrong):
    assert not vin_is_valid(wrong)


@pytest.mark.parametrize(
    ("number", "synthetic"),
    [("990101197905120019", True), ("99010119790512001X", False), ("11010519491231002X", False), ("９９0101197905120019", False)],
)
def test_only_region_99_is_synthetic(number, synthetic):
    assert id_number_is_synthetic(number) is synthetic


def test_uscc_vector_of_gb_32100_and_organisation_vector_of_gb_11714():
    from verify_service.sandbox.population.identifiers import _organisation_check, _uscc_check

    assert _uscc_check("91350100M000100Y4") == "3"
    assert _organisation_check("D2143569") == "X"


@pytest.mark.parametrize("place", range(18))
def test_one_changed_character_of_a_uscc_is_noticed(place):
    uscc = build_uscc(DigestStream("uscc"), "990101", "91")
    assert uscc_is_valid(uscc)
    changed = uscc[:place] + ("2" if uscc[place] != "2" else "3") + uscc[place + 1 :]
    assert not uscc_is_valid(changed)


@pytest.mark.parametrize("category", ["91", "92", "93", "12"])
def test_built_identifiers_hold(category):
    for number in range(200):
        stream = DigestStream(category, number)
        assert uscc_is_valid(build_uscc(stream, "990201", category))
        assert vin_is_valid(build_vin(stream, 1990 + number % 37))
        assert unit_code_is_valid(build_unit_code(stream, "990201"))
