"""Policy: what is compared, with which figures, since when. Every threshold, deduction and exemption is data (domain reference B6)."""

from verify_service.domain.policy.files import load_policies
from verify_service.domain.policy.in_force import Policies, Policy
from verify_service.domain.policy.pack import UNITS, Figure, Line, PolicyPack

__all__ = ["UNITS", "Figure", "Line", "Policies", "Policy", "PolicyPack", "load_policies"]
