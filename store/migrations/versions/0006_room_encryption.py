"""What a room asks of the encryption of terminals' media."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # In words of SQL, because Alembic adds the constraint by itself, which SQLite cannot; both databases know this.
    op.execute(
        "ALTER TABLE rooms ADD COLUMN encryption VARCHAR(16) DEFAULT 'automatic' NOT NULL "
        "CONSTRAINT ck_rooms_encryption CHECK (encryption IN ('off', 'automatic', 'required'))"
    )
    op.execute("UPDATE rooms SET encryption = 'required' WHERE required_grade > 0")


def downgrade() -> None:
    op.drop_column("rooms", "encryption")
