"""What models were seen as before."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("sights", sa.Column("since", sa.String()))
    op.create_table(
        "past",
        sa.Column("key", sa.Integer(), primary_key=True),
        sa.Column("model_key", sa.Integer(), sa.ForeignKey("models.key"), nullable=False),
        sa.Column("since", sa.String()),
        sa.Column("until", sa.String()),
        sa.Column("name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("gated", sa.String()),
        sa.Column("disabled", sa.Boolean()),
        sa.Column("licenses", sa.String()),
        sa.Column("license_name", sa.String()),
        sa.Column("license_link", sa.String()),
        sa.Column("parents", sa.String()),
    )
    op.create_index("ix_past_model_key", "past", ["model_key"])
