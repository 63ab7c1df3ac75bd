"""Benchmarks: ratios measured in one run, never a time asserted by a test."""
