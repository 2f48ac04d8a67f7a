"""A row of the vehicle register becomes a Vehicle record."""

from datetime import date

from verify_adapters.vehicle.wire import ROWS, Row, plate_fits
from verify_service.domain.identity import IdentityError, IdNumber
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.records import RecordStatus, Transfer, Vehicle
from verify_service.sources.failures import invalid
from verify_service.sources.reading import note_leftovers, read_as

_ACQUIRE_MODES = {
    "A": "购买",
    "B": "境外自带",
    "C": "继承",
    "D": "赠予",
    "E": "协议抵偿债务",
    "F": "中奖",
    "G": "资产重组",
    "H": "调拨",
    "J": "法院判决",
    "K": "仲裁裁决",
    "Z": "其他",
}
_VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
_VIN_VALUES = {c: int(c) for c in "0123456789"} | dict(zip("ABCDEFGHJKLMNPRSTUVWXYZ", map(int, "12345678123457923456789"), strict=True))


def vehicles(rows: list[object], *, owner: IdNumber, as_of: date) -> list[Vehicle]:
    """Return the records of one person's rows. Raises invalid.schema, .binding (someone else's car) or .contradiction."""
    known = read_as(ROWS, rows)
    note_leftovers("vehicle", known)
    return [_vehicle(row, owner, as_of) for row in known]


def _vehicle(row: Row, owner: IdNumber, as_of: date) -> Vehicle:
    _require_owner(row, owner)
    _require_sense(row, as_of)
    return Vehicle(
        source_key=row.clsbdh or f"{row.hpzl}:{row.hphm}",
        status=_status(row.zt),
        plate_type=row.hpzl,
        plate_no=row.hphm,
        vin=row.clsbdh,
        vin_check_ok=None if row.clsbdh is None else vin_check_holds(row.clsbdh),
        engine_no_last4=None if row.fdjh is None else row.fdjh.lstrip("*"),
        brand=row.clpp1,
        model=row.clxh,
        vehicle_type=row.cllx,
        use_nature=row.syxz,
        status_letters=row.zt,
        ownership="unit" if row.syq == "1" else "person",
        first_registered=row.ccdjrq,
        acquired=row.hdrq,
        acquire_mode=None if row.hdfs is None else _ACQUIRE_MODES[row.hdfs],
        certificate_issued=row.fzrq,
        certificate_no_masked=row.djzsbh,
        inspection_valid_to=row.yxqz,
        scrap_due=row.qzbfqz,
        displacement_ml=row.pl,
        power_kw=row.gl,
        fuel=row.rlzl,
        seats=row.hdzk,
        load_kg=row.hdzzl,
        mortgaged=row.dybj,
        seized=row.cfbj,
        purchase_price_fen=row.gcjg,
        original_value_fen=row.djyz,
        transfers=tuple(Transfer(day=c.bgrq, direction="in" if c.bglx == "ZR" else "out") for c in row.syrbg),
        issuing_office=row.fzjg,
        disabled_use=row.cjrzyc,
    )


def vin_check_holds(vin: str) -> bool:
    """Say whether the ninth place of a VIN is its check character (GB 16735). A wrong one is a warning: old imports lack it."""
    total = sum(_VIN_VALUES[c] * weight for c, weight in zip(vin, _VIN_WEIGHTS, strict=True))
    return vin[8] == "0123456789X"[total % 11]


def _status(letters: str) -> RecordStatus:
    """E cancelled, M cancelled by force and P scrapped are gone; B has moved to another owner or register (M7, M11)."""
    if set("EMP") & set(letters):
        return RecordStatus.CANCELLED
    return RecordStatus.HISTORIC if "B" in letters else RecordStatus.CURRENT


def _require_owner(row: Row, owner: IdNumber) -> None:
    """Compare the owner in the row with the person asked about; a unit's vehicle carries the unit's code."""
    is_unit = row.syrzjlx in {"B", "N"}
    if is_unit is not (row.syq == "1"):
        raise invalid(OutcomeCode.CONTRADICTION, "ownership and owner's document")
    if not is_unit and not _is_number_of(owner, row.syrzjh):
        raise invalid(OutcomeCode.BINDING, "vehicle of another person")


def _is_number_of(owner: IdNumber, text: str) -> bool:
    try:
        return IdNumber.parse(text) == owner
    except IdentityError:
        return False


def _require_sense(row: Row, as_of: date) -> None:
    if not plate_fits(row.hpzl, row.hphm):
        raise invalid(OutcomeCode.SCHEMA, "plate of its type at hphm")
    if row.ccdjrq > as_of:
        raise invalid(OutcomeCode.CONTRADICTION, "registered after the data's day")
    if row.syrbg and max(row.syrbg, key=lambda c: c.bgrq).bglx == "ZC" and _status(row.zt) is RecordStatus.CURRENT:
        raise invalid(OutcomeCode.CONTRADICTION, "given away and in force")
