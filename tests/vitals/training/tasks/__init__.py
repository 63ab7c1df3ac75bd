"""Tests of the tasks of one kind and one local day."""
