"""Whether, when and how often a register is asked: breaker, retries, places, quota, hours. Numbers are in source.toml."""

from verify_service.sources.policy.policy import SourcePolicy
from verify_service.sources.policy.snapshot import Isolation, PolicySnapshot, QuotaUse, SourceState

__all__ = ["Isolation", "PolicySnapshot", "QuotaUse", "SourcePolicy", "SourceState"]
