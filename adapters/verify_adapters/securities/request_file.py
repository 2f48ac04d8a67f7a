"""What is sent to the depository: the request file and the signature of each call.

The file is GB18030 CSV: `H,<title>,<layout>`, one `Q` line per question, `T,<lines>,<SHA-256 of everything above>`.
It is a pure function of the questions in any order, so that handing in again is harmless.
"""

import csv
import hashlib
import hmac
import io
from collections.abc import Sequence

from verify_service.domain.outcome import Question
from verify_service.sources.adapter import SourceClient

CHARSET = "gb18030"
LAYOUT = "1.0"


def request_file(questions: Sequence[Question]) -> bytes:
    """Return the file that asks the questions. The question's id is the serial number that the answer must echo."""
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\r\n")
    lines.writerow(("H", "证券资产查询请求", LAYOUT))
    lines.writerows(
        ("Q", q.id, q.subject.id_number.reveal(), q.subject.name, q.as_of.isoformat()) for q in sorted(questions, key=lambda q: q.id)
    )
    head = text.getvalue().encode(CHARSET)
    return head + f"T,{len(questions)},{hashlib.sha256(head).hexdigest()}\r\n".encode()


def signed_headers(client: SourceClient, method: str, path: str, *, body: bytes = b"", dedupe_key: str = "") -> dict[str, str]:
    """Return the headers that prove who calls: HMAC-SHA256 over method, path, time, nonce, dedupe key and body digest."""
    timestamp, nonce = str(int(client.now().timestamp())), client.nonce()
    signed = "\n".join((method, path, timestamp, nonce, dedupe_key, hashlib.sha256(body).hexdigest()))
    signature = hmac.new(client.credential("api_secret").encode(), signed.encode(), hashlib.sha256).hexdigest()
    return {"X-Api-Key": client.credential("api_key"), "X-Timestamp": timestamp, "X-Nonce": nonce, "X-Signature": signature}
