"""What the HTTP layer itself refuses, before any service sees the request. How each looks outside: problems.py."""

from verify_service.errors import VerifyError


class Unauthenticated(VerifyError):
    """No client is known by this bearer token."""

    def __init__(self, *, presented: bool) -> None:
        super().__init__()
        self.presented = presented


class InsufficientScope(VerifyError):
    """The client is known but was not given this scope."""

    def __init__(self, scope: str) -> None:
        super().__init__(scope)
        self.scope = scope


class InvalidHeader(VerifyError):
    """A header breaks a rule. The value is not kept."""

    def __init__(self, header: str, rule: str, detail: str) -> None:
        super().__init__(header, rule)
        self.header = header
        self.rule = rule
        self.detail = detail


class TooManyStreams(VerifyError):
    """As many event streams are open as this process serves."""


class NotAcceptable(VerifyError):
    """The caller accepts none of the forms that there are."""


class TooManyBatches(VerifyError):
    """The client has as many open batches as it may have."""


class UnsupportedMediaType(VerifyError):
    """The body has a content type or coding that is not read here."""


class BodyTooLarge(VerifyError):
    """The body is longer than the limit; reading stopped there."""


class BodyTooSlow(VerifyError):
    """The body did not arrive in time."""
