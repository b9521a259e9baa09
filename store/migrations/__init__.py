"""Alembic migrations, run by store.database at start."""
