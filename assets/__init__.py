"""The Dagster assets, stage by stage, each with its checks beside it."""
