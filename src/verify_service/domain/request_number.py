"""核对编号: the number by which people know a verification. `HD`, region, day, serial, check character (domain reference C2).

The check character is ISO 7064 MOD 37,36 over all that stands before it, so that a number mistyped in one place is known to be wrong.
"""

import re
from datetime import date

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_VALUES = {character: value for value, character in enumerate(_ALPHABET)}
_SHAPE = re.compile(r"HD[0-9]{6}[0-9]{8}[0-9A-Z][0-9]{5}[0-9A-Z]", re.ASCII)
_OF_A_LEAD = 100_000
MOST_SERIALS = len(_ALPHABET) * _OF_A_LEAD - 1
PATTERN = f"^{_SHAPE.pattern}$"


def check_character(text: str) -> str:
    """Return the ISO 7064 MOD 37,36 check character of digits and capital letters."""
    product = 36
    for character in text:
        total = (product + _VALUES[character]) % 36 or 36
        product = total * 2 % 37
    return _ALPHABET[(37 - product) % 36]


def request_number(region: str, day: date, serial: int) -> str:
    """Return the number of a region's day. Raises ValueError for a serial that is not 1 to MOST_SERIALS."""
    if not 1 <= serial <= MOST_SERIALS:
        raise ValueError("no such serial")
    lead, rest = divmod(serial, _OF_A_LEAD)
    body = f"HD{region}{day:%Y%m%d}{_ALPHABET[lead]}{rest:05d}"
    return body + check_character(body)


def request_number_holds(number: str) -> bool:
    """Say whether the check character of what has the form of a number is that of the rest."""
    return check_character(number[:-1]) == number[-1]
