"""Whether, when and how often a register is asked: breaker, retries, places, quota, hours. Numbers are in source.toml."""

from verify_service.sources.policy.attempt import Attempt
from verify_service.sources.policy.lane import Lane
from verify_service.sources.policy.ledger import LedgerUnavailable, MemoryLedger, PolicyLedger
from verify_service.sources.policy.policy import Common, SourcePolicy
from verify_service.sources.policy.snapshot import Isolation, PolicySnapshot, QuotaUse, SourceState
from verify_service.sources.policy.watch import watched

__all__ = [
    "Attempt",
    "Common",
    "Isolation",
    "Lane",
    "LedgerUnavailable",
    "MemoryLedger",
    "PolicyLedger",
    "PolicySnapshot",
    "QuotaUse",
    "SourcePolicy",
    "SourceState",
    "watched",
]
