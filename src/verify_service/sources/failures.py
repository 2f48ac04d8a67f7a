"""A register did not give a usable answer: which outcome that is, and who failed. Retrying is decided by the code."""

from verify_service.domain.outcome import FailedBy, OutcomeClass, OutcomeCode
from verify_service.errors import VerifyError


class SourceFailure(VerifyError):
    """The register gave no usable answer."""

    def __init__(self, code: OutcomeCode, *, failed_by: FailedBy, detail: str, retry_after_seconds: float | None = None) -> None:
        """Keep the outcome. `detail` names a rule, a status or an exception type; never a value or a person."""
        super().__init__(code, failed_by, detail)
        self.code = code
        self.failed_by = failed_by
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds


class NotThere(SourceFailure):
    """The register does not know the address (404, 410): for a ticket, it has forgotten it."""


def invalid(code: OutcomeCode, detail: str) -> SourceFailure:
    """Return the failure of a register whose answer cannot be trusted."""
    if code.outcome_class is not OutcomeClass.INVALID:
        raise ValueError(f"{code} is not an invalid outcome")
    return SourceFailure(code, failed_by="source", detail=detail)
