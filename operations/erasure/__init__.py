"""Erasure of a person from lake, catalog, releases and what Dagster keeps."""
