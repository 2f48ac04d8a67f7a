"""JSON without surprises: refuses what parsers silently accept (duplicate keys, NaN, 1e999, depth, huge numbers).

Order of checks: size is the caller's; orjson rejects bad UTF-8, NaN, Infinity, lone surrogates and trailing data in C. A text
that comes out the same when its value is written again has no duplicate key, and no number that lost a digit: it is done.
For any other, the standard parser sees every object's pairs, so that duplicate keys are found. Fractions become Decimal.
"""

import json
import re
from decimal import Decimal
from itertools import chain
from typing import Any, Literal

import orjson

MAX_DEPTH = 32
_MAX_NUMBER_CHARACTERS = 40
# In a text without spaces; inside a string it only costs the slower way. Three, since a search for one first letter is ten times faster.
_FRACTIONS = tuple(re.compile(before + rb"-?[0-9]+[.eE]") for before in (b":", b",", rb"\["))
_CONTAINERS = frozenset({dict, list})

Rule = Literal["syntax", "duplicate_key", "depth", "number_size"]

_ORJSON_RULES: tuple[tuple[str, Rule], ...] = (("depth limit", "depth"), ("infinity", "number_size"))


class StrictJsonError(ValueError):
    """The JSON breaks a rule; `rule` names it. The text is never in the message."""

    def __init__(self, rule: Rule) -> None:
        super().__init__(f"JSON breaks rule {rule}")
        self.rule: Rule = rule


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise StrictJsonError("duplicate_key")
    return found


def _integer(text: str) -> int:
    if len(text) > _MAX_NUMBER_CHARACTERS:
        raise StrictJsonError("number_size")
    return int(text)


def _fraction(text: str) -> Decimal:
    if len(text) > _MAX_NUMBER_CHARACTERS:
        raise StrictJsonError("number_size")
    return Decimal(text)


def _constant(_text: str) -> Any:
    raise StrictJsonError("syntax")


_decode = json.JSONDecoder(object_pairs_hook=_pairs, parse_int=_integer, parse_float=_fraction, parse_constant=_constant).decode


def _depth_exceeded(value: object, most: int) -> bool:
    """Say whether containers are nested deeper than `most`, one level after the other."""
    level: list[Any] = [value] if type(value) in _CONTAINERS else []
    for _ in range(most):
        children = chain.from_iterable(node.values() if type(node) is dict else node for node in level)
        level = [child for child in children if type(child) in _CONTAINERS]
    return bool(level)


def _is_plain(data: bytes, value: object) -> bool:
    """Say whether the text says its value and nothing else: compact, no key twice, whole numbers."""
    try:
        return type(value) is not float and orjson.dumps(value) == data and not any(shape.search(data) for shape in _FRACTIONS)
    except orjson.JSONEncodeError:  # nested deeper than orjson writes
        return False


def loads(data: bytes, *, max_depth: int = MAX_DEPTH) -> Any:
    """Parse. Raises StrictJsonError naming the rule that is broken."""
    try:
        value = orjson.loads(data)
        if not _is_plain(data, value):
            value = _decode(data.decode("utf-8"))
    except RecursionError:
        raise StrictJsonError("depth") from None
    except orjson.JSONDecodeError as error:
        raise StrictJsonError(next((rule for word, rule in _ORJSON_RULES if word in str(error)), "syntax")) from None
    except StrictJsonError:
        raise
    except ValueError:
        raise StrictJsonError("syntax") from None
    if data.count(b"[") + data.count(b"{") > max_depth and _depth_exceeded(value, max_depth):
        raise StrictJsonError("depth")
    return value
