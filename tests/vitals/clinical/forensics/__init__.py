"""Tests of `vitals.clinical.forensics`."""
