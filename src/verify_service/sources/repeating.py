"""Which failures of an attempt are worth another one, decided by what the register did."""

from verify_service.domain.outcome import OutcomeCode
from verify_service.sources.failures import SourceFailure

_AGAIN = frozenset({OutcomeCode.CONNECTION, OutcomeCode.TIMEOUT, OutcomeCode.RATE_LIMITED, OutcomeCode.HTTP_5XX, OutcomeCode.TRUNCATED})
_FINAL_DETAILS = frozenset({"status 500", "status 501", "length undeclared"})


def worth_repeating(error: BaseException) -> bool:
    """Retry what was not processed or not delivered; never what was refused, understood and wrong, or held back by us."""
    return isinstance(error, SourceFailure) and error.code in _AGAIN and error.failed_by != "us" and error.detail not in _FINAL_DETAILS


def stands(error: BaseException) -> bool:
    """Say whether a second message must not hide this: the register has said no, or has broken its contract."""
    return not worth_repeating(error) and not (isinstance(error, SourceFailure) and error.failed_by == "us")
