"""Routes of the API, a module per thing they are about."""
