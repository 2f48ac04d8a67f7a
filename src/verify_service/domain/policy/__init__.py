"""Policy: what is compared, with which figures, since when. Every threshold, deduction and exemption is data (domain reference B6)."""

from verify_service.domain.policy.base import UNITS, Figure
from verify_service.domain.policy.calendar import Calendar
from verify_service.domain.policy.files import load_policies
from verify_service.domain.policy.in_force import Policies, Policy, Version
from verify_service.domain.policy.inherit import forebears
from verify_service.domain.policy.pack import PackFile
from verify_service.domain.policy.rules import Line, Rules

__all__ = ["UNITS", "Calendar", "Figure", "Line", "PackFile", "Policies", "Policy", "Rules", "Version", "forebears", "load_policies"]
