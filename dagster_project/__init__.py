"""The Dagster project: definitions, partitions, jobs, settings and the command line."""
