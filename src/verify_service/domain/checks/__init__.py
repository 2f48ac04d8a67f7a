"""What a schema cannot say about a request (domain reference C2): broken rules with their JSON pointer, never the value."""

from verify_service.domain.checks.common import known, repeated
from verify_service.domain.checks.consents import consent_violations
from verify_service.domain.checks.household import household_violations, kind_violations

__all__ = ["consent_violations", "household_violations", "kind_violations", "known", "repeated"]
