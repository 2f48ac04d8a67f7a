"""The tree of our errors. The class docstring is the message; instances carry data, never prose about people.

VerifyError
├── InvalidInput          bad input, with a JSON pointer and the rule it breaks
├── NoConsent             nothing may be asked: no member has a live consent or legal basis
├── NotPermitted          the client may not do this (scope, purpose, region)
├── NotFound              no such thing for this tenant
├── Superseded            a later version has replaced the report that was named
├── WrongState            the report or verification is past the state in which this can be done
├── IdempotencyMismatch   the key was used with another body
├── StillRunning          the key's first request has not finished
├── SignatureInvalid      a signature, key or canonical form does not verify
├── ConfigurationError    settings, policy packs, source.toml or keys are unusable: do not start
├── ExtraNotInstalled     this needs an optional part of the service that is not installed here
└── SourceFailure         (verify_service.sources.failures) a register did not give a usable answer
"""

from collections.abc import Sequence
from dataclasses import dataclass


class VerifyError(Exception):
    """The service could not do what was asked."""

    def __str__(self) -> str:
        """Say the class docstring, then the data that was given."""
        message = (self.__doc__ or "").strip()
        return f"{message} {' '.join(map(str, self.args))}".strip()


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule: where (RFC 6901 JSON pointer) and which rule. Never the value."""

    pointer: str
    rule: str
    detail: str


class InvalidInput(VerifyError):
    """The request breaks a rule."""

    def __init__(self, violations: Sequence[Violation], *, code: str = "invalid-request") -> None:
        super().__init__("; ".join(f"{v.pointer or '/'}: {v.rule}" for v in violations))
        self.violations = tuple(violations)
        self.code = code

    @classmethod
    def at(cls, pointer: str, rule: str, detail: str, *, code: str = "invalid-request") -> "InvalidInput":
        """Build one with a single violation."""
        return cls([Violation(pointer, rule, detail)], code=code)


class NoConsent(VerifyError):
    """No member has a live consent or legal basis for any source asked; nothing was asked."""


class NotPermitted(VerifyError):
    """This client may not do that."""


class NotFound(VerifyError):
    """There is no such thing for this client."""


class Superseded(VerifyError):
    """A later version has replaced this report."""

    def __init__(self, replaced_by: str) -> None:
        super().__init__(replaced_by)
        self.replaced_by = replaced_by


class WrongState(VerifyError):
    """That cannot be done in this state."""

    def __init__(self, rule: str, detail: str) -> None:
        super().__init__(rule)
        self.rule = rule
        self.detail = detail


class IdempotencyMismatch(VerifyError):
    """This Idempotency-Key was already used with another body."""


class StillRunning(VerifyError):
    """The first request with this Idempotency-Key has not finished."""

    def __init__(self, verification_id: str) -> None:
        super().__init__(verification_id)
        self.verification_id = verification_id


class SignatureInvalid(VerifyError):
    """The signature does not verify."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class ExtraNotInstalled(VerifyError):
    """This needs an extra that is not installed here."""


class ConfigurationError(VerifyError):
    """The service cannot start with this configuration."""
