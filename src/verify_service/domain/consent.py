"""Consent (授权) per person: what permits a question, for which purpose, until when. 无委托、不核对."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from verify_service.domain.codes import ConsentRule, Purpose, SignatureMode, Trigger
from verify_service.domain.identity import IdNumber

Ref = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="the caller's short name of a member, without personal data")]
Obstacle = Literal[
    "none_given",
    "not_yet_valid",
    "expired",
    "matter_ended",
    "revoked",
    "household_changed",
    "no_guardian",
    "purpose",
    "monitoring",
    "source",
]
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


class SigningProof(Part):
    """How it was made sure who signs electronically: the identity is compared first, then the consent is signed (B4)."""

    method: Literal["face", "id_card_reader", "bank_card", "certificate", "sms"]
    score_bp: int | None = Field(default=None, ge=0, le=10_000, description="likeness in basis points, where the method has one")
    compared_at: AwareDatetime


@dataclass(frozen=True, slots=True)
class Occasion:
    """For what and when a question is to be sent. `today` is the day of `at` at +08:00; `household` the refs of all members."""

    purpose: Purpose
    trigger: Trigger
    at: datetime
    today: date
    household: Collection[str]
    needs_guardian: bool


class Consent(Part):
    """One person's consent. `sources` holds source ids or the single entry "*"; `valid_until` only with fixed_date.

    `matter_ended` is the day on which the matter ended for her (left, or rejected): from then on only monitoring that the
    consent covers may go on. `family` lists the refs that the signed form names; another household voids it (B4).
    """

    number: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
    member: Ref
    form_version: str = Field(min_length=1, max_length=32)
    signed_on: date
    signature_mode: SignatureMode
    signing_proof: SigningProof | None = Field(default=None, description="exactly with e_sign")
    valid_from: date
    valid_rule: ConsentRule
    valid_until: date | None = None
    matter_ended: date | None = None
    purposes: tuple[Purpose, ...] = Field(min_length=1, max_length=12)
    sources: tuple[str, ...] = Field(min_length=1, max_length=64)
    covers_monitoring: bool = False
    family: tuple[Ref, ...] | None = Field(default=None, min_length=1, max_length=30)
    guardian: Guardian | None = None
    agent: Guardian | None = Field(default=None, description="who signs under a power of attorney")
    revoked_at: AwareDatetime | None = None
    document_digest: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$", description="of the signed paper or file")
    document_digest_algorithm: Literal["sha256", "sm3"] = "sha256"

    def obstacle(self, occasion: Occasion) -> Obstacle | None:
        """Return what stops every question on this occasion, whatever the source; it is looked at when a question is sent (C10.7)."""
        if self.revoked_at is not None and occasion.at >= self.revoked_at:
            return "revoked"
        if occasion.today < self.valid_from:
            return "not_yet_valid"
        if self.valid_until is not None and occasion.today > self.valid_until:
            return "expired"
        return self._void(occasion)

    def _void(self, occasion: Occasion) -> Obstacle | None:
        monitoring = occasion.trigger is Trigger.MONITOR
        if self.matter_ended is not None and occasion.today > self.matter_ended and not (monitoring and self.covers_monitoring):
            return "matter_ended"
        if self.family is not None and set(self.family) != set(occasion.household):
            return "household_changed"
        if occasion.needs_guardian and self.guardian is None:
            return "no_guardian"
        if monitoring and not self.covers_monitoring:
            return "monitoring"
        return None if occasion.purpose in self.purposes else "purpose"

    def covers(self, source: str) -> bool:
        """Say whether the consent names the source, or all."""
        return self.sources == (ALL_SOURCES,) or source in self.sources


class LegalBasis(Part):
    """A statutory ground other than consent for asking a source about a member."""

    reference: str = Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9-]+$")
    member: Ref
    provision: str = Field(min_length=1, max_length=200)
    purposes: tuple[Purpose, ...] = Field(min_length=1, max_length=12)
    sources: tuple[str, ...] = Field(min_length=1, max_length=64)
    valid_from: date
    valid_until: date

    def obstacle(self, occasion: Occasion) -> Obstacle | None:
        """Return what stops every question on this occasion, whatever the source."""
        if not self.valid_from <= occasion.today <= self.valid_until:
            return "not_yet_valid" if occasion.today < self.valid_from else "expired"
        return None if occasion.purpose in self.purposes else "purpose"

    def covers(self, source: str) -> bool:
        """Say whether the ground names the source; a statute is never for all."""
        return source in self.sources


Ground = Consent | LegalBasis


def number_of(ground: Ground) -> str:
    """Return the number under which a ground is cited."""
    return ground.number if isinstance(ground, Consent) else ground.reference
