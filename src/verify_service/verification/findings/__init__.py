"""Findings, one small pure function per code or family: (request, merged, policy) in, findings out. `DETECTORS` lists them all."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from verify_service.domain.findings import Finding
from verify_service.domain.policy import Policy
from verify_service.domain.request import VerificationRequest
from verify_service.verification.compare import Compared
from verify_service.verification.findings import answers, declared, household, income, ownership, persons
from verify_service.verification.findings.limits import exceeded
from verify_service.verification.merge import Merged

Detector = Callable[[VerificationRequest, Merged, Policy], Iterator[Finding]]
DETECTORS: Sequence[Detector] = (
    answers.gaps,
    answers.conflicts,
    answers.repeated_rows,
    answers.raised_by_records,
    ownership.vehicles,
    ownership.homes,
    ownership.claimed_exemptions,
    ownership.securities,
    ownership.businesses,
    ownership.undeclared,
    income.bases,
    income.undeclared_work,
    income.insurance,
    income.pensions,
    declared.by_class,
    declared.of_assets,
    declared.of_the_whole,
    declared.expenditure,
    household.members,
    household.elsewhere,
    household.deaths,
    persons.persons,
    persons.marriages,
    income.housing_fund,
)


def findings(
    request: VerificationRequest, merged: Merged, policy: Policy, compared: list[Compared], of_the_issue: Iterable[Finding] = ()
) -> list[Finding]:
    """Return all findings in their canonical order: severity, code, member, source, asset."""
    found = [*of_the_issue, *exceeded(compared, merged), *(f for detect in DETECTORS for f in detect(request, merged, policy))]
    return sorted(found, key=lambda f: f.order)
