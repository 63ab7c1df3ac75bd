"""Raw: object keys, Avro bytes to frames, and the guards against hostile bytes."""
