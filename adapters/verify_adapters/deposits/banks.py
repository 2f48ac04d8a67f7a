"""What the simulated banks have: 28 tell amounts, 3 only whether their limit is passed. People of cases, and synthetic ones.

A case's `wire`: `拒绝` (the hub's reason), `账户` (account attributes by bank code, with `支出`), `标志` (超限 or 未超限 by bank
code), `迟答` and `不答` (bank codes), `回显` (`证件号码`, `姓名`), `损坏` (`机构数偏差`, `账户数偏差`, `签名`, `订单`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import Any
from xml.sax.saxutils import quoteattr

from verify_service.sources.cases import Fault
from verify_service.sources.register import Surroundings


@dataclass(frozen=True, slots=True)
class Bank:
    """One institution behind the hub. unit None: it tells flags only."""

    code: str
    name: str
    unit: str | None


BANKS = tuple(Bank(f"B{n:02d}", f"示例第{n}银行", None if n > 28 else "分" if n % 7 == 0 else "元") for n in range(1, 32))
_quoted = lru_cache(10_000)(quoteattr)  # every bank says the same of a person: without it, most of a register's time
_BY_CODE = {bank.code: bank for bank in BANKS}
_REASONS = {"not_found": "查无此人", "name_mismatch": "姓名不符", "not_connected": "未接入"}
_KINDS = ("活期", "活期", "活期", "定期", "理财")


@dataclass(frozen=True, slots=True)
class Asked:
    """One person of an order."""

    serial: str
    id_number: str = field(repr=False)
    name: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Holder:
    """What the banks know of one person."""

    asked: Asked
    day: date
    refused: str | None = None
    accounts: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict, repr=False)
    flags: Mapping[str, str] = field(default_factory=dict)
    late: Sequence[str] = ()
    never: Sequence[str] = ()
    damage: Mapping[str, Any] = field(default_factory=dict)
    fault: Fault | None = None


def holder(world: Surroundings, asked: Asked) -> Holder:
    """Look a person up, as each bank would."""
    entry = world.entry(asked.id_number, asked.name)
    if entry.case is not None:
        return _of_case(asked, entry.as_of, entry.case.wire or {}, entry.case.fault)
    if entry.known in _REASONS:
        return Holder(asked, entry.as_of, refused=_REASONS[entry.known])
    return _synthetic(world, asked, entry.as_of)


def _of_case(asked: Asked, day: date, wire: Mapping[str, Any], fault: Fault | None) -> Holder:
    echoed = wire.get("回显", {})
    seen = Asked(asked.serial, echoed.get("证件号码", asked.id_number), echoed.get("姓名", asked.name))
    return Holder(
        seen,
        day,
        refused=wire.get("拒绝"),
        accounts=wire.get("账户", {}),
        flags=wire.get("标志", {}),
        late=wire.get("迟答", ()),
        never=wire.get("不答", ()),
        damage=wire.get("损坏", {}),
        fault=fault,
    )


def _synthetic(world: Surroundings, asked: Asked, day: date) -> Holder:
    """Draw accounts: a third of people has one to three, mostly small; one in a hundred has large payments out."""
    draw = world.draws(asked.id_number)
    accounts: dict[str, list[dict[str, Any]]] = {}
    flags: dict[str, str] = {}
    for n in range(draw.pick((1, 1, 2, 3)) if draw.happens(3_500) else 0):
        bank = draw.pick(BANKS)
        if bank.unit is None:
            flags[bank.code] = "超限" if draw.happens(600) else "未超限"
            continue
        fen = draw.below(50_000_00 if draw.happens(300) else 3_000_00) * (10 if draw.happens(200) else 1)
        row: dict[str, Any] = {
            "token": f"T{draw.below(10**12):012d}{n}",
            "no": f"6200****{draw.below(10**4):04d}",
            "kind": draw.pick(_KINDS),
        }
        row |= {"balance": _written(fen, bank.unit), "opened": (day - timedelta(days=200 + draw.below(5000))).isoformat()}
        if draw.happens(100):
            row["支出"] = [{"day": (day - timedelta(days=draw.below(180))).isoformat(), "amount": _written(8_000_000, bank.unit)}]
        accounts.setdefault(bank.code, []).append(row)
    late = [draw.pick(BANKS).code] if draw.happens(50) else []
    never = [draw.pick(BANKS).code] if draw.happens(5) else []
    return Holder(asked, day, accounts=accounts, flags=flags, late=late, never=never)


def _written(fen: int, unit: str) -> str:
    return str(fen) if unit == "分" else f"{fen // 100}.{fen % 100:02d}"


def document(order: str, found: Sequence[Holder], codes: Sequence[str], *, next_seconds: int | None) -> bytes:
    """Return the hub's document with the returns of these banks."""
    refused = [one for one in found if one.refused]
    damage = next((one.damage for one in found if one.damage), {})
    head = {
        "order": order,
        "institutions": len(BANKS),
        "answered": len(codes) + damage.get("机构数偏差", 0),
        "persons": len(found),
        "refused": len(refused),
        "state": "closed" if next_seconds is None else "open",
        "next": next_seconds,
    }
    refusals = "".join(_element("Refused", {**_identity(one), "reason": one.refused}) for one in refused)
    passed_on = [one for one in found if not one.refused]
    of_order = damage.get("订单", order)
    banks = "".join(_institution(_BY_CODE[code], of_order, passed_on) for code in codes)
    return _element("Returns", head, refusals + banks).encode()


def _institution(bank: Bank, order: str, people: Sequence[Holder]) -> str:
    about = {"code": bank.code, "name": bank.name, "form": "flag" if bank.unit is None else "amount", "unit": bank.unit}
    return _element("Institution", {**about, "order": order, "persons": len(people)}, "".join(_person(bank, one) for one in people))


def _person(bank: Bank, one: Holder) -> str:
    accounts = one.accounts.get(bank.code, ())
    result = one.flags.get(bank.code) or ("有" if accounts else "无")
    count = len(accounts) + (one.damage.get("账户数偏差", 0) if accounts else 0)
    head = {**_identity(one), "day": one.day.isoformat(), "result": result, "accounts": count}
    return _element("Person", head, "".join(_account(row) for row in accounts))


def _account(row: Mapping[str, Any]) -> str:
    given = {"state": "正常", "currency": "人民币", "holders": "1", **{k: v for k, v in row.items() if k != "支出"}}
    return _element("Account", given, "".join(_element("Outflow", out) for out in row.get("支出", ())))


def _identity(one: Holder) -> dict[str, str]:
    return {"serial": one.asked.serial, "id": one.asked.id_number, "name": one.asked.name}


def _element(tag: str, attributes: Mapping[str, Any], content: str = "") -> str:
    written = "".join(f" {name}={_quoted(str(value))}" for name, value in attributes.items() if value is not None)
    return f"<{tag}{written}>{content}</{tag}>" if content else f"<{tag}{written}/>"
