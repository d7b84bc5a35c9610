"""Models that people register, and what was done to them."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    name = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table(
        "versions",
        sa.Column("key", sa.Integer(), primary_key=True),
        sa.Column("name", name, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("model_key", sa.Integer(), sa.ForeignKey("models.key"), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("place", sa.String(), nullable=False),
        sa.Column("registered_at", sa.String(), nullable=False),
        sa.Column("removed_at", sa.String()),
        sa.Column("files", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.UniqueConstraint("name", "number"),
        sa.UniqueConstraint("name", "digest"),
    )
    op.create_index("ix_versions_model_key", "versions", ["model_key"])
    op.create_table(
        "tags",
        sa.Column("name", name, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tag", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("name", "number", "tag"),
    )
    op.create_table(
        "events",
        sa.Column("key", sa.Integer(), primary_key=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.Column("who", sa.String(), nullable=False),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("name", name, nullable=False),
        sa.Column("number", sa.Integer()),
        sa.Column("what", sa.String(), nullable=False),
        sa.Column("why", sa.String()),
    )
    op.create_index("ix_events_name", "events", ["name"])
    op.drop_index("ix_derivations_claims", "derivations")
    claims = sa.text("origin IN ('card', 'tag-unresolved', 'file', 'heuristic', 'stated')")
    op.create_index("ix_derivations_claims", "derivations", ["child_key"], sqlite_where=claims, postgresql_where=claims)
