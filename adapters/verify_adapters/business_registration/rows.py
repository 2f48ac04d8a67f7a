"""A row of the market entity register becomes a BusinessRole record."""

from datetime import date
from typing import Literal

from verify_adapters.business_registration.wire import ROWS, Contribution, Row
from verify_service.domain.outcome import OutcomeCode
from verify_service.domain.records import BusinessRole, ContributedCapital, RecordStatus, Share
from verify_service.sources.failures import invalid
from verify_service.sources.reading import note_leftovers, read_as

EntityType = Literal["company", "sole_trader", "cooperative", "sole_proprietorship", "partnership"]
Role = Literal["legal_representative", "investor", "executive", "sole_trader", "cooperative_member"]
State = Literal["active", "revoked", "cancelled", "moved_out", "closed", "suspended"]

_ENTITY_TYPES: dict[str, EntityType] = {
    "1100": "company",
    "4530": "partnership",
    "4540": "sole_proprietorship",
    "9100": "cooperative",
    "9500": "sole_trader",
}
_ROLES: dict[str, Role] = {
    "LEGAL_REP": "legal_representative",
    "INVESTOR": "investor",
    "EXECUTIVE": "executive",
    "SOLE_TRADER": "sole_trader",
    "COOP_MEMBER": "cooperative_member",
}
_STATES: dict[str, State] = {"1": "active", "2": "revoked", "3": "cancelled", "4": "moved_out", "5": "closed", "6": "suspended"}
# Revoked (吊销), closed and suspended entities still exist and are still answered for (M16).
_GONE: dict[str, RecordStatus] = {"3": RecordStatus.CANCELLED, "4": RecordStatus.HISTORIC}
_CNY = "156"
# ISO 4217: numeric code on the wire, letters in the record.
_CURRENCIES = {
    "156": "CNY",
    "344": "HKD",
    "392": "JPY",
    "410": "KRW",
    "702": "SGD",
    "826": "GBP",
    "840": "USD",
    "901": "TWD",
    "978": "EUR",
}

_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_VALUES = {character: value for value, character in enumerate(_USCC)}
_USCC_WEIGHTS = tuple(pow(3, place, 31) for place in range(17))
_ORGANISATION_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)


def roles(rows: list[object], *, as_of: date) -> list[BusinessRole]:
    """Return one record per row, in the register's order. Raises invalid.schema or invalid.contradiction."""
    known = read_as(ROWS, rows)
    note_leftovers("business_registration", [*known, *(row.contribution for row in known if row.contribution)])
    return [_role(row, as_of) for row in known]


def _role(row: Row, as_of: date) -> BusinessRole:
    key = _key(row)
    _require_sense(row, as_of)
    return BusinessRole(
        source_key=key,
        status=_GONE.get(row.regState, RecordStatus.CURRENT),
        uscc=row.uscc,
        registration_no=row.regNo,
        name=row.entName,
        entity_type=_ENTITY_TYPES[row.entType],
        role=_ROLES[row.personRole],
        position=row.position,
        registered_capital_fen=row.regCapital if row.currency == _CNY else None,
        capital_currency=_CURRENCIES[row.currency],
        contribution=_contribution(row.contribution),
        established=row.establishedOn,
        approved=row.approvedOn,
        term_from=row.termFrom,
        term_to=row.termTo,
        registration_status=_STATES[row.regState],
        status_since=row.stateSince,
        authority=row.regAuthority,
        address=row.address,
        scope=row.scope,
        industry=row.industry,
        annual_report_year=row.annualReportYear,
        employees=row.employees,
        abnormal_list=row.abnormalList,
        equity_frozen=row.equityFrozen,
        name_borrow_claim=row.nameBorrowClaim,
        name_borrow_claimed_on=row.nameBorrowClaimedOn,
    )


def _contribution(wire: Contribution | None) -> ContributedCapital | None:
    """Return subscribed and paid-in capital. Foreign money has no fen and is left out: nobody converts it without a dated rate."""
    if wire is None or wire.currency != _CNY:
        return None
    numerator, _, denominator = (wire.share or "").partition("/")
    share = Share(numerator=int(numerator), denominator=int(denominator)) if wire.share else None
    return ContributedCapital(subscribed_fen=wire.subscribed, paid_in_fen=wire.paidIn, share=share, due=wire.due)


def _key(row: Row) -> str:
    """Return the entity's USCC, or the old registration number where it never got one (M4)."""
    if row.uscc is not None:
        _require_uscc(row.uscc)
    key = row.uscc or row.regNo
    if not key:
        raise invalid(OutcomeCode.SCHEMA, "neither uscc nor regNo")
    return key


def _require_uscc(text: str) -> None:
    """Check both check characters of a unified social credit code: GB 32100 over all, GB 11714 over the organisation code."""
    if len(text) != 18 or not all(c in _USCC_VALUES for c in text):
        raise invalid(OutcomeCode.SCHEMA, "uscc.shape")
    total = sum(_USCC_VALUES[c] * weight for c, weight in zip(text, _USCC_WEIGHTS, strict=False))
    organisation = sum(int(c, 36) * weight for c, weight in zip(text[8:], _ORGANISATION_WEIGHTS, strict=False))
    if _USCC[-total % 31] != text[17]:
        raise invalid(OutcomeCode.SCHEMA, "uscc.check_digit")
    if "0X987654321"[organisation % 11] != text[16]:
        raise invalid(OutcomeCode.SCHEMA, "uscc.organisation_check_digit")


def _require_sense(row: Row, as_of: date) -> None:
    """Refuse a cancelled entity shown as active, a role that its entity cannot have, more paid in than subscribed, the day of no claim."""
    if (row.regState == "1") is (row.stateSince is not None):
        raise invalid(OutcomeCode.CONTRADICTION, "state and its day")
    if (row.personRole == "SOLE_TRADER") is not (row.entType == "9500") or (row.personRole == "COOP_MEMBER" and row.entType != "9100"):
        raise invalid(OutcomeCode.CONTRADICTION, "role and entity type")
    if row.establishedOn > as_of:
        raise invalid(OutcomeCode.CONTRADICTION, "established after the data's day")
    claimed = row.nameBorrowClaimedOn
    if claimed is not None and not (row.nameBorrowClaim and row.establishedOn <= claimed <= as_of):
        raise invalid(OutcomeCode.CONTRADICTION, "claim and its day")
    paid = row.contribution
    if paid is not None and paid.paidIn is not None and paid.paidIn > paid.subscribed:
        raise invalid(OutcomeCode.CONTRADICTION, "paid in beyond subscribed")
