"""Benchmarks. Each is run by `python -m bench.NAME`; docs/performance.md says how to read them."""
