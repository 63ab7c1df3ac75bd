"""The twin: deterministic uploads in the real schemas, with known truth and switchable faults."""
