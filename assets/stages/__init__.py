"""What each stage does with lake and catalog for one partition. No Dagster: the assets wrap it, benches call it."""
