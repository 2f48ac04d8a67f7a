"""Builders and checkers of the identifiers that carry a check character (domain reference B11).

The adapters check what registers send with code of their own: were this module shared, one mistake would hide another.
"""

import re
from collections.abc import Sequence

from verify_service.domain.identity import check_character
from verify_service.sandbox.population.stream import DigestStream

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = tuple(pow(3, i, 31) for i in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)
_VIN = "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", (1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, 4, 5, 7, 9, 2, 3, 4, 5, 6, 7, 8, 9), strict=True)) | {
    digit: int(digit) for digit in "0123456789"
}
_VIN_YEARS = "ABCDEFGHJKLMNPRSTVWXY123456789"
_ID_SHAPE = re.compile(r"99[0-9]{15}[0-9X]", re.ASCII)
_UNIT_SHAPE = re.compile(r"99[0-9]{10}[A-Z]{2}[0-9]{5}[FLQW][0-9]{8}", re.ASCII)


def _weighted_sum(values: Sequence[int], weights: Sequence[int]) -> int:
    return sum(value * weight for value, weight in zip(values, weights, strict=True))


def _organisation_check(eight: str) -> str:
    """Return the GB 11714 check character: 11 - sum mod 11, where 10 is X and 11 is 0; letters count from A = 10."""
    remainder = _weighted_sum([int(c, 36) for c in eight], _ORGANISATION_WEIGHTS) % 11
    return "0X987654321"[remainder]


def _uscc_check(seventeen: str) -> str:
    """Return the GB 32100 check character: 31 - sum mod 31, where 31 is 0."""
    return _USCC[-_weighted_sum([_USCC.index(c) for c in seventeen], _USCC_WEIGHTS) % 31]


def _vin_check(vin: str) -> str:
    """Return the GB 16735 check character; the weight of its own place is 0."""
    return "0123456789X"[_weighted_sum([_VIN_VALUES[c] for c in vin], _VIN_WEIGHTS) % 11]


def build_uscc(stream: DigestStream, region: str, category: str) -> str:
    """Return a unified social credit code; category is 91 for an enterprise, 92 a sole trader, 93 a cooperative, 12 a public body."""
    eight = "MA" + stream.text(_USCC, 6) if category.startswith("9") else stream.digits(8)
    seventeen = category + region + eight + _organisation_check(eight)
    return seventeen + _uscc_check(seventeen)


def build_vin(stream: DigestStream, year: int) -> str:
    """Return a vehicle identification number of a model year; L9 is not a maker's prefix in use."""
    head, tail = "L9" + stream.text(_VIN, 6), _VIN_YEARS[(year - 2010) % 30] + stream.text(_VIN, 1) + stream.digits(6)
    return f"{head}{_vin_check(f'{head}0{tail}')}{tail}"


def build_unit_code(stream: DigestStream, region: str) -> str:
    """Return the 28 characters of a unit (GB/T 37346): region, cadastral zones, parcel, building mark F, unit number."""
    return f"{region}{stream.digits(6)}{stream.pick(('GB', 'JC'))}{stream.digits(5)}F{stream.digits(8)}"


def id_number_is_synthetic(text: str) -> bool:
    """Return whether the text is 18 characters of region 99 with a valid check character; the date is not looked at."""
    return _ID_SHAPE.fullmatch(text) is not None and check_character(text[:17]) == text[17]


def uscc_is_valid(text: str) -> bool:
    """Return whether both check characters of a unified social credit code hold."""
    known = len(text) == 18 and all(c in _USCC for c in text)
    return known and _organisation_check(text[8:16]) == text[16] and _uscc_check(text[:17]) == text[17]


def vin_is_valid(text: str) -> bool:
    """Return whether the check character of a vehicle identification number holds."""
    return len(text) == 17 and all(c in _VIN_VALUES for c in text) and _vin_check(text) == text[8]


def unit_code_is_valid(text: str) -> bool:
    """Return whether the text has the shape of a fictional unit's code."""
    return _UNIT_SHAPE.fullmatch(text) is not None
