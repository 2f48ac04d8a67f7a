"""The vehicle register's messages as they are on the wire (contract 2.0, field names in pinyin after GA 24).

    {"code": "0000", "message": …, "requestId": nonce, "total": n, "results": [
      {"xh": place in the request, "sfzmhm": number, "xm": name, "status": "00", "dataDate": day, "count": n, "vehicles": [row]}]}

The envelope is always whole: a failed call has total 0 and no results. Every key of a row is there; what the register
does not hold is null. Amounts are yuan as decimal text.
"""

import re
import unicodedata
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, TypeAdapter

from verify_service.sources.exact import Day, Flag, Yuan
from verify_service.sources.reading import WireModel

_PLATE_HEAD = r"[\u4e00-\u9fff][A-HJ-NP-Z]"
_NEW_ENERGY = re.compile(_PLATE_HEAD + r"[A-HJ-NP-Z0-9]{6}")
_TRAILER = re.compile(_PLATE_HEAD + r"[A-HJ-NP-Z0-9]{4,5}挂")
_OTHER = re.compile(_PLATE_HEAD + r"[A-HJ-NP-Z0-9]{4}[A-HJ-NP-Z0-9学警港澳]")
_PLATES = {"51": _NEW_ENERGY, "52": _NEW_ENERGY, "15": _TRAILER}


def plate_fits(plate_type: str, plate_no: str) -> bool:
    """Say whether a normalised plate has the shape of its type (GA 36)."""
    return _PLATES.get(plate_type, _OTHER).fullmatch(plate_no) is not None


def _narrow(value: object) -> object:
    """Return text in half-width capitals: registers type plates with full-width letters and stray spaces."""
    return "".join(unicodedata.normalize("NFKC", value).split()).upper() if isinstance(value, str) else value


Text = Annotated[str, Field(min_length=1, max_length=512)]
Count = Annotated[int, Field(ge=0, le=1_000_000)]


class OwnerChange(WireModel):
    """所有人变更: ZR into this person's hands, ZC out of them."""

    bgrq: Day
    bglx: Literal["ZR", "ZC"]


class Row(WireModel):
    """One vehicle. Owner documents (syrzjlx): A, M a person's identity card, B, N a unit's code."""

    hpzl: Literal["01", "02", "07", "08", "13", "14", "15", "51", "52"]
    hphm: Annotated[str, BeforeValidator(_narrow)]
    clsbdh: Annotated[str, Field(pattern=r"^[A-HJ-NPR-Z0-9]{17}$")] | None
    fdjh: Annotated[str, Field(pattern=r"^\*+[A-Z0-9]{1,4}$")] | None
    clpp1: Text
    clxh: Text
    cllx: Annotated[str, Field(pattern=r"^[A-Z][0-9]{2}$")]
    syxz: Literal["A", "B", "C", "D", "E", "F", "G", "H", "I", "J", "K", "L", "M", "N", "R"]
    zt: Annotated[str, Field(pattern=r"^[ABCDEGHKLMOPQ]{1,6}$")]
    syq: Literal["1", "2"]
    syrzjlx: Literal["A", "M", "B", "N"]
    syrzjh: Text
    ccdjrq: Day
    hdrq: Day | None
    hdfs: Literal["A", "B", "C", "D", "E", "F", "G", "H", "J", "K", "Z"] | None
    fzrq: Day | None
    djzsbh: Annotated[str, Field(pattern=r"^\*+[0-9]{1,4}$")] | None
    yxqz: Day | None
    qzbfqz: Day | None
    pl: Annotated[int, Field(ge=0, le=100_000)]
    gl: Annotated[int, Field(ge=0, le=10_000)] | None
    rlzl: Literal["A", "B", "C", "D", "E", "F", "L", "M", "N", "O", "Y", "Z"]
    hdzk: Annotated[int, Field(ge=0, le=500)] | None
    hdzzl: Count | None
    dybj: Flag
    cfbj: Flag
    gcjg: Yuan | None
    djyz: Yuan | None
    syrbg: list[OwnerChange]
    fzjg: Text
    cjrzyc: Flag


class Result(WireModel):
    """One person: 00 has, 01 has none, 02 no such person, 03 other name, 04 not disclosed, 05 region not connected."""

    xh: str
    sfzmhm: str
    xm: str
    status: Literal["00", "01", "02", "03", "04", "05"]
    dataDate: Day  # noqa: N815 - the register's spelling
    count: Count
    vehicles: list[object]


class Reply(WireModel):
    """The envelope; 9001 is the nightly stop, 9004 a province off the platform, 429x the quota, 403x the contract's limits."""

    code: Literal["0000", "4030", "4031", "4290", "9001", "9004"]
    message: str
    requestId: str  # noqa: N815 - the register's spelling
    total: Count
    results: list[Result]


REPLY: TypeAdapter[Reply] = TypeAdapter(Reply)
ROWS: TypeAdapter[list[Row]] = TypeAdapter(list[Row])
