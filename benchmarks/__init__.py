"""Benchmarks: `python -m benchmarks`. Never tests: a busy machine must not fail a build."""
