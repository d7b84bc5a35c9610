"""Which sights said nothing of licence and parents."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("sights", "past"):
        op.add_column(table, sa.Column("silent", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.execute("UPDATE past SET silent = true WHERE state = 'gone' OR licenses IS NULL")
    op.execute(
        "UPDATE sights SET silent = true WHERE model_key IN "
        "(SELECT key FROM models WHERE state = 'gone' OR (state = 'listed' AND licenses IS NULL))"
    )
