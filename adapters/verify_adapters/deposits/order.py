"""What is sent to the hub: the order, and the signature of each call in both directions."""

import hashlib
import hmac
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr

from verify_service.domain.outcome import Question
from verify_service.sources.adapter import SourceClient

CONTRACT = "1.0"


def order_xml(questions: Sequence[Question], dedupe_key: str) -> bytes:
    """Return the order; a question's id is the serial that every bank must echo. The same in any order of questions."""
    people = (
        f"<Person serial={quoteattr(q.id)} id={quoteattr(q.subject.id_number.reveal())} name={quoteattr(q.subject.name)}"
        f' day="{q.as_of.isoformat()}"/>'
        for q in sorted(questions, key=lambda q: q.id)
    )
    head = f'<Order contract="{CONTRACT}" key={quoteattr(dedupe_key)} persons="{len(questions)}">'
    return f"{head}{''.join(people)}</Order>".encode()


def signed_headers(client: SourceClient, method: str, path: str, body: bytes = b"") -> dict[str, str]:
    """Return the headers that prove who calls: HMAC-SHA256 over method, path, time, nonce and body digest."""
    timestamp, nonce = str(int(client.now().timestamp())), client.nonce()
    signed = "\n".join((method, path, timestamp, nonce, hashlib.sha256(body).hexdigest()))
    return {
        "X-Hub-Client": client.credential("client"),
        "X-Hub-Time": timestamp,
        "X-Hub-Nonce": nonce,
        "X-Hub-Signature": mac(client, signed),
    }


def mac(client: SourceClient, text: str) -> str:
    """Return the HMAC-SHA256 under the secret that we share with the hub."""
    return hmac.new(client.credential("secret").encode(), text.encode(), hashlib.sha256).hexdigest()
