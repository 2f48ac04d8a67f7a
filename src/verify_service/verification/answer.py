"""The answer of a finished verification, and its bytes. The signed payload stands in it verbatim, never parsed and written again."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from pybase64 import urlsafe_b64decode

from verify_service.domain.outcome import Answer
from verify_service.verification.verify import Verified


def answer_bytes(verification: bytes, payload: bytes, jws: bytes) -> bytes:
    """Return {"verification": …, "report": …, "jws": "…"} from JSON, canonical report and compact JWS."""
    return b"".join((b'{"verification":', verification, b',"report":', payload, b',"jws":"', jws, b'"}'))


def payload_of(jws: bytes) -> bytes:
    """Return the payload of a compact JWS of ours; the signature is not looked at. Raises ValueError."""
    _, payload, _ = jws.split(b".")
    return urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))


def verification_body(verified: Verified) -> dict[str, Any]:
    """Return the verification as a client sees it once a version is issued."""
    header = verified.report["header"]
    return {
        "id": verified.job.verification_id,
        "request_no": header["request_no"],
        "client_reference": verified.job.request.client_reference,
        "state": header["state"],
        "accepted_at": verified.job.accepted_at.isoformat(),
        "updated_at": verified.issued_at.isoformat(),
        "report_id": header["report_id"],
        "version": header["version"],
        "pending": pending(verified.answers),
    }


def pending(answers: Iterable[Answer]) -> list[dict[str, str | None]]:
    """Return the cells that asking or waiting may still fill, with the time of the next look."""
    return [_pending(a) for a in answers if a.outcome.next_look is not None]


def _pending(answer: Answer) -> dict[str, str | None]:
    outcome, question = answer.outcome, answer.question
    return {"member": question.member, "source": question.source, "next_look": _text(outcome.next_look), "latest": _text(outcome.latest)}


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
