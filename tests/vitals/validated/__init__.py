"""Tests of vitals/validated."""
