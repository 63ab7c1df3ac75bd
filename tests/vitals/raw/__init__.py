"""Tests of vitals/raw."""
