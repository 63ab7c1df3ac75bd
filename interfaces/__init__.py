"""How people and programs reach the platform: command line, HTTP API, review desk, the guard before Dagster's UI."""
