"""Tests of vitals/clinical."""
