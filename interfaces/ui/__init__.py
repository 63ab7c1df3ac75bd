"""The Dagster UI behind a guard: an operator's tool, which shows and changes the runs of every tenant."""
