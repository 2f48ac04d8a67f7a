"""The simulated central depository: files handed in for a ticket, looked at, and fetched when ready.

The ticket is a pure function of the dedupe key, the answer one of the file handed in and the day, so handing in again
changes nothing. Tickets live in memory, the oldest making room for new ones.
"""

import csv
import hashlib
import hmac
import io
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import orjson

from verify_service.sandbox.registers.securities_file import CHARSET, Asked, answer_file, case_fault
from verify_service.sandbox.world import World
from verify_service.sources.cases import Fault
from verify_service.sources.register import RegisterReply, RegisterRequest

CREDENTIALS = {"api_key": "sandbox-securities", "api_secret": "sandbox-only-depository-key"}

_FILES, _TICKETS = "/batch/v1/files", "/batch/v1/tickets"
_CLOCK_SKEW_SECONDS = 300
_MOST_LINES = 50_000
_KEPT_PEOPLE = 200_000


@dataclass
class Work:
    """One file that was handed in. The people are looked up when somebody first looks after it is ready."""

    ticket: str
    dedupe_key: str
    file_digest: str
    accepted_at: datetime
    asked: Sequence[Asked] = field(repr=False)
    world: World = field(repr=False)

    @cached_property
    def answer(self) -> tuple[bytes, Fault | None]:
        """Return the answer file, and the fault that a case in it asks for."""
        found = [(asked, self.world.entry(asked.id_number, asked.name)) for asked in self.asked]
        return answer_file(self.ticket, self.world.today(), found), case_fault(found)


class SecuritiesRegister:
    """The depository's batch interface; `ready_after_seconds` is how long a ticket takes."""

    def __init__(self, world: World, *, ready_after_seconds: float = 3.0) -> None:
        self._world = world
        self._ready_after = ready_after_seconds
        self._work: OrderedDict[str, Work] = OrderedDict()
        self._kept_people = 0

    def reply(self, request: RegisterRequest) -> RegisterReply:
        """Answer one call: 401 unsigned, 400 not a request file, 404 unknown ticket or file, 409 a dedupe key's other file."""
        if not self._signed(request):
            return _problem(401, "signature")
        if request.method == "POST" and request.path == _FILES:
            return self._accept(request.body, request.headers.get("x-dedupe-key", ""))
        folder, _, name = request.path.rpartition("/")
        work = self._work.get(name.removesuffix(".csv"))
        if request.method != "GET" or folder not in {_FILES, _TICKETS} or work is None:
            return _problem(404, "unknown ticket or file")
        return self._state(work) if folder == _TICKETS else self._file(work)

    def _signed(self, request: RegisterRequest) -> bool:
        sent, expected = request.headers, self._world.credentials
        timestamp, nonce = sent.get("x-timestamp", ""), sent.get("x-nonce", "")
        if sent.get("x-api-key") != expected["api_key"] or len(nonce) != 32 or not timestamp.isdecimal():
            return False
        if abs(self._world.now().timestamp() - int(timestamp)) > _CLOCK_SKEW_SECONDS:
            return False
        digest = hashlib.sha256(request.body).hexdigest()
        signed = "\n".join((request.method, request.path, timestamp, nonce, sent.get("x-dedupe-key", ""), digest))
        signature = hmac.new(expected["api_secret"].encode(), signed.encode(), hashlib.sha256).hexdigest()
        return hmac.compare_digest(signature, sent.get("x-signature", ""))

    def _accept(self, body: bytes, dedupe_key: str) -> RegisterReply:
        """Take a file in: the same key and file give the same ticket, the same key with another file is refused."""
        file_digest = hashlib.sha256(body).hexdigest()
        ticket = f"CS-{hashlib.sha256(dedupe_key.encode()).hexdigest()[:32]}"
        work = self._work.get(ticket)
        if work is None:
            asked = _asked(body)
            if not dedupe_key or asked is None:
                return _problem(400, "not a request file")
            work = self._keep(Work(ticket, dedupe_key, file_digest, self._world.now(), asked, self._world))
        if work.file_digest != file_digest:
            return _problem(409, "dedupe key was used for another file")
        return _json({"ticket": ticket, "accepted_rows": len(work.asked), "first_look_seconds": self._ready_after}, work)

    def _keep(self, work: Work) -> Work:
        self._work[work.ticket] = work
        self._kept_people += len(work.asked)
        while self._kept_people > _KEPT_PEOPLE and len(self._work) > 1:
            _, oldest = self._work.popitem(last=False)
            self._kept_people -= len(oldest.asked)
        return work

    def _left_seconds(self, work: Work) -> float:
        return self._ready_after - (self._world.now() - work.accepted_at).total_seconds()

    def _state(self, work: Work) -> RegisterReply:
        left = self._left_seconds(work)
        if left > 0:
            state = "queued" if left > self._ready_after / 2 else "running"
            return _json({"ticket": work.ticket, "state": state, "next_look_seconds": round(left, 3)}, work)
        body, _ = work.answer
        digest = hashlib.sha256(body).hexdigest()
        return _json({"ticket": work.ticket, "state": "done", "file": f"{work.ticket}.csv", "sha256": digest, "size": len(body)}, work)

    def _file(self, work: Work) -> RegisterReply:
        if self._left_seconds(work) > 0:
            return _problem(404, "unknown ticket or file")
        body, fault = work.answer
        return RegisterReply(200, {"Content-Type": "text/csv; charset=GB18030"}, body, _people(work), fault, work.dedupe_key, work.ticket)


def _asked(body: bytes) -> Sequence[Asked] | None:
    """Return the people of a request file, or None when its layout, count or digest does not hold."""
    cut = body.rfind(b"\r\n", 0, -2) + 2
    try:
        header, *lines, trailer = list(csv.reader(io.StringIO(body.decode(CHARSET), newline=""), strict=True))
        asked = [Asked(serial, number, name) for _, serial, number, name, _ in lines]
    except (UnicodeDecodeError, csv.Error, ValueError):
        return None
    is_whole = header == ["H", "证券资产查询请求", "1.0"] and trailer == ["T", str(len(asked)), hashlib.sha256(body[:cut]).hexdigest()]
    return asked if is_whole and 0 < len(asked) <= _MOST_LINES and all(line[0] == "Q" for line in lines) else None


def _people(work: Work) -> Sequence[str]:
    return [asked.id_number for asked in work.asked]


def _json(content: Mapping[str, object], work: Work) -> RegisterReply:
    body = orjson.dumps(content)
    return RegisterReply(200, {"Content-Type": "application/json"}, body, _people(work), None, work.dedupe_key, work.ticket)


def _problem(status: int, detail: str) -> RegisterReply:
    return RegisterReply(status, {"Content-Type": "application/json"}, orjson.dumps({"error": detail}))
