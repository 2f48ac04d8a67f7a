"""The simulated hub: takes orders in, and hands on what the banks have returned until now.

Most banks answer when an order is ready, the late ones of a case or of a synthetic person after twice that time, and some
never: the order is closed without them after three times. It shares no code with the adapter.
"""

import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from xml.sax.saxutils import quoteattr

from verify_adapters.deposits.banks import BANKS, Asked, Holder, document, holder
from verify_service.sources.register import RegisterReply, RegisterRequest, Simulation, Surroundings
from verify_service.sources.strict_xml import StrictXmlError, parse

CREDENTIALS = {"client": "sandbox-deposits", "secret": "sandbox-only-hub-key"}
_ORDERS = "/hub/v1/orders"
_XML = {"Content-Type": "application/xml; charset=utf-8"}
_CLOCK_SKEW_SECONDS = 300
_KEPT_ORDERS = 50_000


@dataclass(frozen=True, slots=True)
class Order:
    """One order that was handed in."""

    key: str
    number: str
    digest: str
    accepted_at: datetime
    asked: Sequence[Asked] = field(repr=False)


class DepositsHub:
    """The hub's interface; `ready_after_seconds` is how long the quick banks take."""

    def __init__(self, world: Surroundings, *, ready_after_seconds: float = 3.0) -> None:
        self._world = world
        self._ready_after = ready_after_seconds
        self._orders: OrderedDict[str, Order] = OrderedDict()

    def reply(self, request: RegisterRequest) -> RegisterReply:
        """Answer one call: 401 unsigned, 400 not an order, 404 unknown order, 409 a dedupe key's other order."""
        if not self._signed(request):
            return _problem(401)
        if request.method == "POST" and request.path == _ORDERS:
            return self._accept(request.body)
        order = self._orders.get(request.path.removeprefix(f"{_ORDERS}/"))
        return _problem(404) if request.method != "GET" or order is None else self._returns(order)

    def _signed(self, request: RegisterRequest) -> bool:
        sent = request.headers
        timestamp, nonce = sent.get("x-hub-time", ""), sent.get("x-hub-nonce", "")
        if sent.get("x-hub-client") != self._world.credentials["client"] or len(nonce) != 32 or not timestamp.isdecimal():
            return False
        if abs(self._world.now().timestamp() - int(timestamp)) > _CLOCK_SKEW_SECONDS:
            return False
        signed = "\n".join((request.method, request.path, timestamp, nonce, hashlib.sha256(request.body).hexdigest()))
        return hmac.compare_digest(self._mac(signed), sent.get("x-hub-signature", ""))

    def _mac(self, text: str) -> str:
        return hmac.new(self._world.credentials["secret"].encode(), text.encode(), hashlib.sha256).hexdigest()

    def _accept(self, body: bytes) -> RegisterReply:
        try:
            root = parse(body)
            key, persons = str(root.attrib["key"]), int(root.attrib["persons"])
            asked = [Asked(str(p.attrib["serial"]), str(p.attrib["id"]), str(p.attrib["name"])) for p in root]
        except (StrictXmlError, KeyError, ValueError):
            return _problem(400)
        if root.tag != "Order" or len(asked) != persons or not asked:
            return _problem(400)
        number, digest = f"BH-{hashlib.sha256(key.encode()).hexdigest()[:32]}", hashlib.sha256(body).hexdigest()
        order = self._orders.setdefault(number, Order(key, number, digest, self._world.now(), asked))
        if order.digest != digest:
            return _problem(409)
        if len(self._orders) > _KEPT_ORDERS:
            self._orders.popitem(last=False)
        seconds = -(-int(self._ready_after * 1000) // 1000)
        receipt = f'<Receipt order={quoteattr(number)} persons="{len(asked)}" next="{seconds}"/>'
        return RegisterReply(200, _XML, receipt.encode(), [a.id_number for a in asked], None, key, number)

    def _returns(self, order: Order) -> RegisterReply:
        """Return the document of this moment."""
        found = [holder(self._world, asked) for asked in order.asked]
        passed = (self._world.now() - order.accepted_at).total_seconds()
        rounds = 3 if passed >= 3 * self._ready_after else int(passed / self._ready_after)
        silent = {bank for one in found for bank in (*one.never, *(one.late if rounds < 2 else ()))}
        codes = [bank.code for bank in BANKS if bank.code not in silent] if rounds else []
        is_closed = rounds == 3 or len(codes) == len(BANKS)
        left = max(1, round(self._ready_after * (rounds + 1) - passed))
        body = document(order.number, found, codes, next_seconds=None if is_closed else left)
        return self._sealed(order, found, body)

    def _sealed(self, order: Order, found: Sequence[Holder], body: bytes) -> RegisterReply:
        digest = hashlib.sha256(body).hexdigest()
        damage = next((one.damage for one in found if one.damage), {})
        signature = self._mac(f"{order.number}\n{digest}")
        headers = {**_XML, "X-Hub-Digest": digest, "X-Hub-Signature": damage.get("签名", signature)}
        fault = next((one.fault for one in found if one.fault), None)
        return RegisterReply(200, headers, body, [a.id_number for a in order.asked], fault, order.key, order.number)


def _problem(status: int) -> RegisterReply:
    return RegisterReply(status, _XML, b"<Problem/>")


SIMULATION = Simulation(lambda world, seconds: DepositsHub(world, ready_after_seconds=seconds), CREDENTIALS)
