"""Errors of the storage layer. None carries a value of a person."""

from verify_service.errors import VerifyError


class LostLease(VerifyError):
    """Another process has taken this verification over; nothing was written."""

    def __init__(self, verification_id: str) -> None:
        super().__init__(verification_id)
        self.verification_id = verification_id


class StoreBusy(VerifyError):
    """More waits to be written than the store will soon have written; nothing was."""


class SerialsUsedUp(VerifyError):
    """Every serial of this region's day has been given."""


class DamagedField(VerifyError):
    """A stored field does not open where it stands: it was altered, moved, or sealed with another key."""
