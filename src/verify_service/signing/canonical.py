"""Canonical bytes of a report (RFC 8785) and their digest.

A report holds objects, arrays, strings, integers within ±(2^53-1), booleans and null. Everything else is refused, floats
above all: money is an integer of fen, a share is two integers, and no two languages print every float alike.
"""

import hashlib
from collections.abc import Mapping
from itertools import chain
from typing import Any

import orjson

_OPTIONS = orjson.OPT_STRICT_INTEGER | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_DATACLASS
_CONTAINERS = frozenset({dict, list, tuple})
_ADMITTED = _CONTAINERS | {str, int, bool, type(None)}
_BEYOND_BASIC_PLANE = (b"\xf0", b"\xf1", b"\xf2", b"\xf3", b"\xf4")  # first bytes in UTF-8; without them both orders of keys agree


class NoCanonicalForm(TypeError):
    """The value has no canonical form."""

    def __str__(self) -> str:
        return f"{self.__doc__} {' '.join(map(str, self.args))}"


def canonical_bytes(value: Mapping[str, object]) -> bytes:
    """Return the RFC 8785 bytes of a tree of dict, list, tuple, str, int, bool and None (nested at most 250 deep).

    Raises NoCanonicalForm for any other type (floats, enumerations and subclasses too), for integers beyond 2^53-1, for lone
    surrogates and for keys that are not strings. The message names types, never values.
    """
    tree = dict(value)
    try:
        # First, because this also ends on circular and on very deep trees.
        sorted_by_bytes = orjson.dumps(tree, option=_OPTIONS | orjson.OPT_SORT_KEYS)
        _admit(tree)
        if not any(lead in sorted_by_bytes for lead in _BEYOND_BASIC_PLANE):
            return sorted_by_bytes
        return orjson.dumps(_sort_by_utf16(tree), option=_OPTIONS)
    except orjson.JSONEncodeError as error:
        raise NoCanonicalForm(str(error)) from None


def sha256_hex(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _admit(tree: dict[str, object]) -> None:
    """Refuse what orjson would write and a report may not hold. One level at a time."""
    level: list[Any] = [tree]
    while level:
        objects = [node for node in level if type(node) is dict]
        children = list(chain.from_iterable(map(dict.values, objects)))
        if len(objects) < len(level):
            children += chain.from_iterable([node for node in level if type(node) is not dict])
        if not _ADMITTED.issuperset(map(type, children)):
            raise NoCanonicalForm(", ".join(sorted({kind.__name__ for kind in map(type, children) if kind not in _ADMITTED})))
        level = [child for child in children if type(child) in _CONTAINERS]


def _sort_by_utf16(node: object) -> object:
    """Order keys by UTF-16 code units (RFC 8785 §3.2.3), which differs from byte order beyond the basic plane."""
    if isinstance(node, dict):
        return {key: _sort_by_utf16(node[key]) for key in sorted(node, key=lambda key: key.encode("utf-16-be"))}
    if isinstance(node, list | tuple):
        return [_sort_by_utf16(child) for child in node]
    return node
