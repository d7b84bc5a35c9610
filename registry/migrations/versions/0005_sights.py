"""When and by whom models were seen stands in a table of its own, with a fingerprint of the row that said so."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sights",
        sa.Column("model_key", sa.Integer(), sa.ForeignKey("models.key"), primary_key=True, autoincrement=False),
        sa.Column("first_seen", sa.String()),
        sa.Column("last_seen", sa.String()),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary()),
    )
    op.execute(
        "INSERT INTO sights (model_key, first_seen, last_seen, source) "
        "SELECT key, first_seen, last_seen, coalesce(source, '') FROM models WHERE state <> 'placeholder'"
    )
    for column in ("source", "first_seen", "last_seen"):
        op.drop_column("models", column)
