"""Tests of the day journal and the multi-day questions."""
