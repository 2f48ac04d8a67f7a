"""Identity numbers (GB 11643) and names. Both hide themselves: reveal() is the only way to the digits.

An identity number is 6 digits of region, 8 of birth date, 3 of sequence (odd is male) and a check character
(ISO 7064 MOD 11-2). The old 15-digit form has a two-digit year, no check character, and means the 1900s (M1).
"""

import re
import unicodedata
from dataclasses import dataclass, field
from datetime import date
from operator import mul
from typing import Any, Literal

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from verify_service.domain.swift import swift

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_ZEROES = sum(_WEIGHTS) * ord("0")
_CHECK = "10X98765432"
_SHAPE = re.compile(r"[1-9][0-9]{5}(?:18|19|20|21)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9X]", re.ASCII)
_OLD_SHAPE = re.compile(r"[1-9][0-9]{14}", re.ASCII)
_NAME_DOTS = str.maketrans({"•": "·", "・": "·", "‧": "·", ".": "·", "．": "·"})

_HAN = r"[\u3400-\u9fff\U00020000-\U000323af]"
_DOT_BETWEEN_HAN = re.compile(rf"(?<={_HAN}) ?[·•・‧.] ?(?={_HAN})")
_SPACE_BETWEEN_HAN = re.compile(rf"(?<={_HAN}) (?={_HAN})")


def check_character(first_seventeen: str) -> str:
    """Return the GB 11643 check character of 17 digits."""
    return _CHECK[(sum(map(mul, _WEIGHTS, first_seventeen.encode("ascii"))) - _ZEROES) % 11]


def normalise_name(text: str) -> str:
    """Return a name for comparison (M1): NFKC, no spaces, one kind of middle dot, upper-case Latin."""
    return "".join(unicodedata.normalize("NFKC", text).translate(_NAME_DOTS).split()).upper()


def name_as_asked(text: str) -> str:
    """Return a name as a register is asked for it (M1): NFKC, and written in Chinese with the middle dot U+00B7 and no space.

    A name in Latin letters keeps its case, dots and single spaces, without which a register would not know it.
    """
    plain = " ".join(unicodedata.normalize("NFKC", text).split())
    return _SPACE_BETWEEN_HAN.sub("", _DOT_BETWEEN_HAN.sub("·", plain))


class IdentityError(ValueError):
    """The identity number breaks a rule; `rule` names it. The number is never in the message."""

    def __init__(self, rule: Literal["shape", "birth_date", "check_digit"]) -> None:
        super().__init__(f"identity number breaks GB 11643 rule {rule}")
        self.rule = rule


@swift
@dataclass(frozen=True, slots=True)
class IdNumber:
    """An 18-character identity number whose check character holds; repr and str are masked."""

    _value: str = field(repr=False)

    @classmethod
    def parse(cls, text: str) -> "IdNumber":
        """Normalise (NFKC, no spaces, x to X, 15 to 18 digits) and check. Raises IdentityError."""
        if not _SHAPE.fullmatch(text):
            text = "".join(unicodedata.normalize("NFKC", text).split()).upper() if len(text) <= 64 else ""
            if _OLD_SHAPE.fullmatch(text):
                body = f"{text[:6]}19{text[6:]}"
                text = body + check_character(body)
            if not _SHAPE.fullmatch(text):
                raise IdentityError("shape")
        try:
            date(int(text[6:10]), int(text[10:12]), int(text[12:14]))
        except ValueError:
            raise IdentityError("birth_date") from None
        if check_character(text[:17]) != text[17]:
            raise IdentityError("check_digit")
        return cls(text)

    def reveal(self) -> str:
        """Return the 18 characters. Only for a register's request, an encrypted column or a signed report."""
        return self._value

    @property
    def birth(self) -> date:
        """Return the birth date in the number."""
        return date(int(self._value[6:10]), int(self._value[10:12]), int(self._value[12:14]))

    def age(self, day: date) -> int:
        """Return the full years on a day."""
        birth = self.birth
        return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))

    @property
    def sex(self) -> Literal["male", "female"]:
        """Return the sex in the number: an odd sequence is male."""
        return "male" if int(self._value[16]) % 2 else "female"

    @property
    def region(self) -> str:
        """Return the six-digit region that issued the number."""
        return self._value[:6]

    @property
    def masked(self) -> str:
        """Return the form that may be shown: first six and last character only."""
        return f"{self._value[:6]}{'*' * 11}{self._value[17]}"

    def __repr__(self) -> str:
        """Hide the number."""
        return f"IdNumber({self.masked})"

    __str__ = __repr__

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Read from a JSON string, write back the 18 characters."""
        return core_schema.no_info_plain_validator_function(
            cls._validate,
            serialization=core_schema.plain_serializer_function_ser_schema(cls.reveal, return_schema=core_schema.str_schema()),
        )

    @classmethod
    def _validate(cls, value: object) -> "IdNumber":
        if isinstance(value, cls):
            return value
        if not isinstance(value, str):
            raise PydanticCustomError("id_number", "an identity number is a string")
        try:
            return cls.parse(value)
        except IdentityError as error:
            raise PydanticCustomError("id_number", "identity number breaks GB 11643 rule {rule}", {"rule": error.rule}) from None

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Describe the shape in OpenAPI and the published schemas."""
        pattern = "^[1-9][0-9]{14}([0-9]{2}[0-9Xx])?$"
        return {"type": "string", "pattern": pattern, "title": "GB 11643 identity number", "examples": ["990101197905120019"]}
