"""The outside world behind small classes: object store, Delta tables, catalog, tenants."""
