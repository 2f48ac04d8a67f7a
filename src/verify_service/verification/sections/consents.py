"""What permitted asking: every consent and legal basis, who signed it and how, and what was asked under it."""

from verify_service.domain.consent import Consent, Guardian, LegalBasis, SigningProof
from verify_service.domain.report.origin import ConsentLine, Proof, Signer
from verify_service.domain.request import VerificationRequest
from verify_service.verification.merge import Merged
from verify_service.verification.sections.texts import instant, maybe_day, maybe_instant


def consents(request: VerificationRequest, merged: Merged) -> list[ConsentLine]:
    """Return every consent and legal basis, by number, each with the cells that were asked under it."""
    asked: dict[str, list[str]] = {}
    for (member, source), answer in merged.evidence.answers.items():
        if answer.outcome.asked_at is not None:
            asked.setdefault(answer.question.consent, []).append(f"{member}:{source}")
    given = [_consent(c, asked.get(c.number, [])) for c in request.consents]
    grounds = [_legal_basis(b, asked.get(b.reference, [])) for b in request.legal_bases]
    return sorted([*given, *grounds], key=lambda c: (c["number"], c["member"]))


def _consent(c: Consent, asked: list[str]) -> ConsentLine:
    return {
        "member": c.member,
        "kind": "consent",
        "number": c.number,
        "form_version": c.form_version,
        "signed_on": c.signed_on.isoformat(),
        "valid_from": c.valid_from.isoformat(),
        "valid_until": maybe_day(c.valid_until),
        "valid_rule": c.valid_rule.value,
        "purposes": sorted(p.value for p in c.purposes),
        "sources": sorted(c.sources),
        "covers_monitoring": c.covers_monitoring,
        "signature_mode": c.signature_mode.value,
        "signed_by": "guardian" if c.guardian else "agent" if c.agent else "self",
        "guardian": _signer(c.guardian),
        "agent": _signer(c.agent),
        "signing_proof": _proof(c.signing_proof),
        "family": None if c.family is None else sorted(c.family),
        "matter_ended": maybe_day(c.matter_ended),
        "revoked_at": maybe_instant(c.revoked_at),
        "provision": None,
        "document_digest": c.document_digest,
        "document_digest_algorithm": None if c.document_digest is None else c.document_digest_algorithm,
        "asked": asked,
    }


def _signer(signer: Guardian | None) -> Signer | None:
    if signer is None:
        return None
    return {"name": signer.name, "id_number": signer.id_number.reveal(), "relation": signer.relation, "basis": signer.basis}


def _proof(proof: SigningProof | None) -> Proof | None:
    if proof is None:
        return None
    return {"method": proof.method, "score_bp": proof.score_bp, "compared_at": instant(proof.compared_at)}


def _legal_basis(b: LegalBasis, asked: list[str]) -> ConsentLine:
    return {
        "member": b.member,
        "kind": "legal_basis",
        "number": b.reference,
        "form_version": None,
        "signed_on": None,
        "valid_from": b.valid_from.isoformat(),
        "valid_until": b.valid_until.isoformat(),
        "valid_rule": "fixed_date",
        "purposes": sorted(p.value for p in b.purposes),
        "sources": sorted(b.sources),
        "covers_monitoring": False,
        "signature_mode": None,
        "signed_by": None,
        "guardian": None,
        "agent": None,
        "signing_proof": None,
        "family": None,
        "matter_ended": None,
        "revoked_at": None,
        "provision": b.provision,
        "document_digest": None,
        "document_digest_algorithm": None,
        "asked": asked,
    }
