"""Webhooks: what a receiver is told, where it may be, how it is reached, and when it is tried again."""
