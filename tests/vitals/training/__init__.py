"""Tests of vitals/training."""
