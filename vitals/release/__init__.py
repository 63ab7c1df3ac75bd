"""Releases: training lines as a named, immutable version that others may rely on."""
