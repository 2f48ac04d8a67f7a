"""Hostile JSON and XML, made here: what it is, and how long and how much memory refusing it takes."""
