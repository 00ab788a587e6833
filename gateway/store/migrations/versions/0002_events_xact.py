"""Events know their transaction"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

INDEX = "ix_events_xact_seq"
CURRENT = "(pg_current_xact_id()::text::bigint)"


def upgrade() -> None:
    """Bring the tables to this revision.

    Events from before get 0: their order is that of their numbers, and all of them are committed.
    """
    op.add_column(
        "events", sa.Column("xact", sa.BigInteger(), server_default=sa.text("0"), nullable=False)
    )
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("events", "xact", server_default=sa.text(CURRENT))
    op.create_index(INDEX, "events", ["xact", "seq"])


def downgrade() -> None:
    """Go back to the revision before."""
    op.drop_index(INDEX, "events")
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_column("xact")
