r"""The request signature and the answer digest of the vehicle register.

    method \n path \n app id \n timestamp (ms) \n nonce \n hex digest of the body

is signed with HMAC over SM3 (GB/T 32905) or SHA-256; the credential says which. The answer carries the digest of its body.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from cryptography.hazmat.primitives import hashes, hmac

from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.adapter import Exchange, SourceClient
from verify_service.sources.failures import invalid

_ALGORITHMS: Mapping[str, type[hashes.HashAlgorithm]] = {"HMAC-SM3": hashes.SM3, "HMAC-SHA256": hashes.SHA256}
_ANSWER_DIGESTS: Mapping[str, type[hashes.HashAlgorithm]] = {"x-content-sm3": hashes.SM3, "x-content-sha256": hashes.SHA256}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def signed_headers(client: SourceClient, *, method: str, path: str, body: bytes, nonce: str) -> dict[str, str]:
    """Return the headers that prove who asks, when, and what."""
    app_id, sign_type = client.credential("app_id"), client.credential("sign_type")
    timestamp, algorithm = str((client.now() - _EPOCH) // _MILLISECOND), _ALGORITHMS[sign_type]
    signer = hmac.HMAC(client.credential("app_secret").encode(), algorithm())
    signer.update("\n".join((method, path, app_id, timestamp, nonce, _hex_digest(algorithm, body))).encode())
    return {
        "X-App-Id": app_id,
        "X-Timestamp": timestamp,
        "X-Nonce": nonce,
        "X-Sign-Type": sign_type,
        "X-Signature": signer.finalize().hex(),
    }


def require_answer_digest(exchange: Exchange) -> None:
    """Compare the body with the digest that came with it. Raises invalid.signature when it differs or there is none."""
    stated = [name for name in _ANSWER_DIGESTS if name in exchange.headers]
    if not stated:
        raise invalid(OutcomeCode.SIGNATURE, "answer digest missing")
    for name in stated:
        if exchange.headers[name].lower() != _hex_digest(_ANSWER_DIGESTS[name], exchange.body):
            raise invalid(OutcomeCode.SIGNATURE, "answer digest differs")


def _hex_digest(algorithm: type[hashes.HashAlgorithm], data: bytes) -> str:
    digest = hashes.Hash(algorithm())
    digest.update(data)
    return digest.finalize().hex()
