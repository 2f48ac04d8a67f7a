"""The rules of consents and legal bases: whose they are, until when, who signed, and how it was proved (B4, C2)."""

from collections.abc import Collection, Iterator, Sequence
from datetime import date, timedelta

from verify_service.domain.checks.common import known, repeated
from verify_service.domain.codes import ConsentRule, SignatureMode
from verify_service.domain.consent import ALL_SOURCES, Consent, Ground, Guardian, LegalBasis
from verify_service.domain.household import Household
from verify_service.errors import Violation

_ADULT = timedelta(days=18 * 365 + 4)
_LONGEST_BASIS = timedelta(days=3660)


def consent_violations(
    household: Household, consents: Sequence[Consent], bases: Sequence[LegalBasis], sources: Collection[str], today: date
) -> Iterator[Violation]:
    """Return every broken rule about what permits asking."""
    refs = {m.ref: m for m in household.members}
    yield from repeated([c.number for c in consents], "/consents/{}/number", "unique_number")
    grounds: list[tuple[int, Ground]] = [*enumerate(consents), *enumerate(bases)]
    for i, ground in grounds:
        at = f"/{'consents' if isinstance(ground, Consent) else 'legal_bases'}/{i}"
        if ground.member not in refs:
            yield Violation(f"{at}/member", "known_member", "a member's ref")
        if isinstance(ground, Consent):
            yield from (Violation(f"{at}/{field}", rule, detail) for field, rule, detail in _consent(ground, today))
            own = refs.get(ground.member)
            if ground.guardian is not None and own is not None and own.id_number == ground.guardian.id_number:
                yield Violation(f"{at}/guardian/id_number", "another_person", "nobody is her own guardian")
        elif ground.valid_until < ground.valid_from or ground.valid_until - ground.valid_from > _LONGEST_BASIS:
            yield Violation(f"{at}/valid_until", "period_order", "after valid_from, at most ten years")
        if not (isinstance(ground, Consent) and ground.sources == (ALL_SOURCES,)):
            yield from known(ground.sources, sources, f"{at}/sources", "known_source", 'the id of a connected source, or "*" alone')


def _consent(consent: Consent, today: date) -> Iterator[tuple[str, str, str]]:
    if consent.signed_on > today:
        yield "signed_on", "not_future", "not after today"
    if (consent.valid_rule is ConsentRule.FIXED_DATE) != (consent.valid_until is not None):
        yield "valid_until", "validity_rule", "given exactly with fixed_date"
    if consent.valid_until is not None and consent.valid_until < consent.valid_from:
        yield "valid_until", "period_order", "not before valid_from"
    if consent.matter_ended is not None and consent.valid_rule is ConsentRule.FIXED_DATE:
        yield "matter_ended", "validity_rule", "only where the matter ends the consent"
    if (consent.signature_mode is SignatureMode.E_SIGN) != (consent.signing_proof is not None):
        yield "signing_proof", "e_sign", "given exactly with e_sign: first the identity is compared, then the consent is signed"
    for field, signer in (("guardian", consent.guardian), ("agent", consent.agent)):
        if signer is not None and not _is_adult(signer, today):
            yield f"{field}/id_number", "adult", "whoever signs for another is of age"


def _is_adult(signer: Guardian, today: date) -> bool:
    return today - signer.id_number.birth >= _ADULT
