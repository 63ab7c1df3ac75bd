"""Tests of vitals/twin."""
