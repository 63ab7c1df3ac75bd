"""The catalog: what must be transactional, in one SQL database (SQLite or PostgreSQL)."""
