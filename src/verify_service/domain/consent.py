"""Consent (授权) per person: what permits a question, for which purpose, until when. 无委托、不核对."""

from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from verify_service.domain.codes import ConsentRule, Purpose, SignatureMode
from verify_service.domain.identity import IdNumber

Ref = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="the caller's short name of a member, without personal data")]
ALL_SOURCES: Literal["*"] = "*"


class Part(BaseModel):
    """An immutable part of a request; unknown fields and lax conversions are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Guardian(Part):
    """Who signs for a minor or for a person without capacity, and on what ground."""

    id_number: IdNumber
    name: str = Field(min_length=1, max_length=100, repr=False)
    relation: str = Field(pattern=r"^[0-9]{2}$", description="GB/T 4761 relation to the member")
    basis: str = Field(min_length=1, max_length=200)


class Consent(Part):
    """One person's consent. `sources` holds source ids or the single entry "*"; `valid_until` only with fixed_date."""

    number: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
    member: Ref
    form_version: str = Field(min_length=1, max_length=32)
    signed_on: date
    signature_mode: SignatureMode
    valid_from: date
    valid_rule: ConsentRule
    valid_until: date | None = None
    purposes: tuple[Purpose, ...] = Field(min_length=1, max_length=12)
    sources: tuple[str, ...] = Field(min_length=1, max_length=64)
    covers_monitoring: bool = False
    guardian: Guardian | None = None
    revoked_at: datetime | None = None
    document_digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="SHA-256 or SM3 of the signed paper")

    def permits(self, source: str, purpose: Purpose, at: datetime, today: date) -> bool:
        """Say whether a question to this source may be sent at this instant (checked again when it is sent, C10.7)."""
        live = self.valid_from <= today and (self.valid_until is None or today <= self.valid_until)
        not_revoked = self.revoked_at is None or at < self.revoked_at
        return live and not_revoked and purpose in self.purposes and (self.sources == (ALL_SOURCES,) or source in self.sources)


class LegalBasis(Part):
    """A statutory ground other than consent for asking a source about a member."""

    reference: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
    member: Ref
    provision: str = Field(min_length=1, max_length=200)
    purposes: tuple[Purpose, ...] = Field(min_length=1, max_length=12)
    sources: tuple[str, ...] = Field(min_length=1, max_length=64)
    valid_from: date
    valid_until: date

    def permits(self, source: str, purpose: Purpose, at: datetime, today: date) -> bool:  # noqa: ARG002 - one shape with Consent.permits
        """Say whether the ground covers this source and purpose today."""
        return self.valid_from <= today <= self.valid_until and purpose in self.purposes and source in self.sources
