"""swift changes how fast a frozen value is made, and nothing else."""

from dataclasses import FrozenInstanceError, dataclass, field, replace
from inspect import signature
from typing import Any

import pytest

from verify_service.domain.interval import Interval
from verify_service.domain.swift import swift


def _value() -> Any:
    """Return the class anew, since swift changes the one it is given."""

    @dataclass(frozen=True, slots=True)
    class Value:
        name: str = field(repr=False)
        places: tuple[int, ...] = ()
        limit: int = field(default=3, kw_only=True)

        def __post_init__(self) -> None:
            if self.limit < 0:
                raise ValueError("limit")

    return Value


_Plain, _Swift = _value(), swift(_value())


def test_it_takes_what_the_plain_class_takes() -> None:
    taken = [[(p.name, p.kind) for p in signature(cls).parameters.values()] for cls in (_Plain, _Swift)]
    assert taken[0] == taken[1]
    made = _Swift("a", limit=4)
    assert (made.name, made.places, made.limit) == ("a", (), 4)
    assert repr(made) == repr(_Plain("a", limit=4))


def test_it_is_as_frozen_equal_and_replaceable_as_before() -> None:
    made = _Swift("a", (1,))
    with pytest.raises(FrozenInstanceError):
        made.name = "b"
    assert made == _Swift("a", (1,), limit=3)
    assert len({made, replace(made)}) == 1
    assert replace(made, name="b") == _Swift("b", (1,))


@pytest.mark.parametrize("given", [{}, {"nobody": 1}])
def test_a_missing_and_an_unknown_argument_are_type_errors(given: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        _Swift(**given)


def test_its_own_check_still_runs() -> None:
    with pytest.raises(ValueError, match="limit"):
        _Swift("a", limit=-1)


def test_what_it_cannot_make_it_refuses() -> None:
    @dataclass(frozen=True, slots=True)
    class Folder:
        files: list[str] = field(default_factory=list)

    with pytest.raises(TypeError):
        swift(Folder)


def test_an_interval_still_refuses_to_be_open_without_saying_why() -> None:
    with pytest.raises(ValueError, match="names what is missing"):
        Interval(0, None)
