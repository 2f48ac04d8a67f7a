"""Household economic-status verification: ask permitted registers, merge, sign, never say more than is known."""

__version__ = "0.1.0"
