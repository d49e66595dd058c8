"""Measurements against a floor, printed as ratios: `python -m tests.benchmarks.bench_…`.  No tests."""
