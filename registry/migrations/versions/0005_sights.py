"""When and by whom models were seen has a table of its own, with a fingerprint of the row that said so.

Indexes hold what numbers about a family, or about all models, are made of.
"""

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
    op.drop_index("ix_derivations_parent", "derivations")
    op.create_index(
        "ix_derivations_parent", "derivations", ["parent_key", "child_key", "relation", "origin", "recovery"]
    )
    popular = sa.text("downloads >= 1000")
    op.create_index("ix_models_popular", "models", ["downloads"], sqlite_where=popular, postgresql_where=popular)
    if op.get_bind().dialect.name == "sqlite":
        op.create_index("ix_models_author", "models", ["author"], sqlite_where=sa.text("state != 'placeholder'"))
        month = sa.text("substr(created_at, 1, 7)")
        op.create_index("ix_models_labels", "models", ["licenses", "license_name", month, "state"])
