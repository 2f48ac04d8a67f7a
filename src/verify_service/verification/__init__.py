"""The use case: plan, fan out, merge, compare, compose. It reaches registers through the client and nothing else."""
