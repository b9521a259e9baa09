"""What Drumtower keeps: rooms, people, sessions, recordings; SQLAlchemy on SQLite or PostgreSQL."""
