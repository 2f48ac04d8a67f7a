"""Twelve shapes of outage in front of simulated registers: what comes through, at how many calls, and that nothing is misread."""
