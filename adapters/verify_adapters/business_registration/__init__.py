"""Roles in market entities from the market regulation register: one X-Road REST call for up to a hundred people."""
