"""What a stage does with lake and catalog for one partition, without Dagster: assets wrap it, benchmarks call it."""
