"""Alembic migrations, run by store.connections at start."""
