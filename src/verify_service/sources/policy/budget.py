"""The retry budget of one source in one process: retries follow what succeeds, so that they cannot multiply an outage.

After gRPC's retry throttling (proposal A6): a token is paid for every failure, a tenth comes back with every success.
"""

from verify_service.sources.definition import RetryRule
from verify_service.sources.policy.lane import Lane


class RetryBudget:
    """Tokens between 0 and the rule's."""

    def __init__(self, rule: RetryRule) -> None:
        self._rule = rule
        self.tokens = rule.tokens

    def failed(self) -> None:
        """Pay for a failure that a retry might have helped."""
        self.tokens = max(0.0, self.tokens - 1)

    def succeeded(self) -> None:
        """Earn a part of a token."""
        self.tokens = min(self._rule.tokens, self.tokens + self._rule.per_success)

    def allows(self, lane: Lane) -> bool:
        """Say whether a retry may be made. Live goes first: bulk leaves it the lower half of what may be spent."""
        kept = self._rule.tokens_kept
        return self.tokens > (kept if lane == "live" else (kept + self._rule.tokens) / 2)
