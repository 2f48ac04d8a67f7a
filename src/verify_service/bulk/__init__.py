"""Durable work: what was accepted and not finished, what deferred registers still owe, what can be computed again."""
