"""The Dagster sensors: what landed, and which days are stale."""
