"""The domain: pure functions from bytes to training lines. No Dagster, S3, SQL, environment or clock."""
