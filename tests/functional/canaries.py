"""A household whose every number, name and amount is unique, and a search that finds them in whatever form they leak.

Numbers end in X, so that their last six characters cannot be met by chance in an instant or a digest; amounts have seven
digits or more.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import count, islice
from pathlib import Path
from typing import Any
from urllib.parse import quote

from verify_service.domain.identity import check_character

NAMES = {
    "father": "褚鹓雏",
    "mother": "濮阳蕤姝",
    "child": "褚骉懿",
    "grandmother": "亓官霭蓁",
    "handler": "闾丘琬琰",
    "reviewer": "乜珩璟",
}
ADDRESS = "示例一市甲区黼黻巷7741号"
AMOUNTS = {"father": 48_291_733, "mother": 18_604_957, "grandmother": 7_390_261}
_BIRTHS = {"father": "19790512", "mother": "19810923", "child": "20090830", "grandmother": "19550601"}
_SEX = {"father": 1, "mother": 0, "child": 1, "grandmother": 0}
_LEAST_AMOUNT = 1_000_000
_ALIGNMENTS = 3


def _ending_in_x(birth: str, sex: int) -> str:
    bodies = (f"990101{birth}{number:03}" for number in count(sex, 2))
    return next(f"{body}X" for body in islice(bodies, 500) if check_character(body) == "X")


NUMBERS = {ref: _ending_in_x(birth, _SEX[ref]) for ref, birth in _BIRTHS.items()}


def canary_household(example: bytes) -> dict[str, Any]:
    """Return the example household with canaries in the place of its people and amounts."""
    body: dict[str, Any] = json.loads(example)
    for member in body["household"]["members"]:
        ref = member["ref"]
        member.update(id_number=NUMBERS[ref], name=NAMES[ref])
        if ref in AMOUNTS:
            member["declared_income"] = {"wage_fen": AMOUNTS[ref]}
    body["household"]["address"] = ADDRESS
    for officer in ("handler", "reviewer"):
        body["commission"][officer]["name"] = NAMES[officer]
    for consent in body["consents"]:
        if "guardian" in consent:
            consent["guardian"].update(id_number=NUMBERS["father"], name=NAMES["father"])
    return body


def amounts_in(report: object) -> Iterator[str]:
    """Give every amount of a report that is long enough not to be met by chance."""
    if isinstance(report, Mapping):
        for name, value in report.items():
            if name.endswith("_fen") and isinstance(value, int) and value >= _LEAST_AMOUNT:
                yield str(value)
            else:
                yield from amounts_in(value)
    elif isinstance(report, list):
        for value in report:
            yield from amounts_in(value)


def forms(secret: str) -> dict[str, bytes]:
    """Return every form in which a secret is looked for, by the form's name."""
    raw = secret.encode()
    found = {
        "raw": raw,
        "gb18030": secret.encode("gb18030"),
        "utf-16": secret.encode("utf-16-le"),
        "escaped": json.dumps(secret)[1:-1].encode(),
        "escaped upper": json.dumps(secret)[1:-1].upper().replace("\\U", "\\u").encode(),
        "url": quote(secret).encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "bytes": repr(raw)[2:-1].encode(),
        "sha256": hashlib.sha256(raw).hexdigest().encode(),
        "md5": hashlib.md5(raw, usedforsecurity=False).hexdigest().encode(),
    }
    for alignment in range(_ALIGNMENTS):
        inner = _within_base64(raw, alignment)
        found[f"base64+{alignment}"], found[f"base64url+{alignment}"] = inner, inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def _within_base64(raw: bytes, alignment: int) -> bytes:
    """Return the characters that do not depend on what stands before and after."""
    coded = base64.b64encode(bytes(alignment) + raw)
    first = (alignment * 8 + 5) // 6
    last = (alignment + len(raw)) * 8 // 6
    return coded[first:last]


def secrets(report: object = None) -> list[str]:
    """Return what must not be found: numbers and their last six characters, names, the address, amounts."""
    said = [*NUMBERS.values(), *(number[-6:] for number in NUMBERS.values()), *NAMES.values(), ADDRESS, *map(str, AMOUNTS.values())]
    return [*said, *sorted(set(amounts_in(report)))]


def leaks(places: Mapping[str, bytes], wanted: Iterable[str], *, but: str = "") -> list[str]:
    """Return where which secret was found and in which form; `but` is a form that may be there."""
    looked_for = [(secret, form, needle) for secret in wanted for form, needle in forms(secret).items() if form != but]
    return [f"{place}: {secret} ({form})" for place, content in places.items() for secret, form, needle in looked_for if needle in content]


def files_below(folder: Path, *, without: Iterable[str] = ()) -> dict[str, bytes]:
    """Return every file of a folder by its name."""
    left_out = set(without)
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name not in left_out}
