"""Models, their names, derivations, defects, and runs."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    repository_id = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table(
        "models",
        sa.Column("key", sa.Integer(), primary_key=True),
        sa.Column("repo_id", repository_id, nullable=False, unique=True),
        sa.Column("folded", repository_id, nullable=False),
        sa.Column("hub_id", sa.String(), unique=True),
        sa.Column("author", sa.String()),
        sa.Column("created_at", sa.String()),
        sa.Column("last_modified", sa.String()),
        sa.Column("sha", sa.String()),
        sa.Column("downloads", sa.BigInteger(), comment="last 30 days"),
        sa.Column("likes", sa.BigInteger()),
        sa.Column("pipeline_tag", sa.String()),
        sa.Column("library_name", sa.String()),
        sa.Column("gated", sa.String()),
        sa.Column("private", sa.Boolean()),
        sa.Column("disabled", sa.Boolean()),
        sa.Column("licenses", sa.String()),
        sa.Column("license_name", sa.String()),
        sa.Column("license_link", sa.String()),
        sa.Column("new_version", sa.String()),
        sa.Column("datasets", sa.String()),
        sa.Column("source", sa.String()),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("first_seen", sa.String()),
        sa.Column("last_seen", sa.String()),
    )
    op.create_index("ix_models_folded", "models", ["folded"])
    placeholders = sa.text("state = 'placeholder'")
    op.create_index(
        "ix_models_placeholders", "models", ["key"], sqlite_where=placeholders, postgresql_where=placeholders
    )
    op.create_table(
        "names",
        sa.Column("name", repository_id, primary_key=True),
        sa.Column("folded", repository_id, nullable=False),
        sa.Column("model_key", sa.Integer(), sa.ForeignKey("models.key"), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
    )
    op.create_index("ix_names_folded", "names", ["folded"])
    op.create_index("ix_names_model_key", "names", ["model_key"])
    op.create_table(
        "derivations",
        sa.Column("child_key", sa.Integer(), sa.ForeignKey("models.key"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("parent_key", sa.Integer(), sa.ForeignKey("models.key")),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("relation", sa.String(), nullable=False),
        sa.Column("origin", sa.String(), nullable=False),
        sa.Column("recovery", sa.String()),
        sa.Column("alias", sa.String()),
        sa.PrimaryKeyConstraint("child_key", "position"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_derivations_parent", "derivations", ["parent_key", "child_key"])
    claims = sa.text("origin IN ('card', 'tag-unresolved')")
    op.create_index("ix_derivations_claims", "derivations", ["child_key"], sqlite_where=claims, postgresql_where=claims)
    op.create_table(
        "defects",
        sa.Column("key", sa.Integer(), primary_key=True),
        sa.Column("model_key", sa.Integer(), sa.ForeignKey("models.key")),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("field", sa.String(), nullable=False),
        sa.Column("value", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
    )
    op.create_index("ix_defects_model_key", "defects", ["model_key"])
    op.create_index("ix_defects_kind", "defects", ["kind"])
    op.create_table(
        "runs",
        sa.Column("key", sa.Integer(), primary_key=True),
        sa.Column("command", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("seen", sa.String(), nullable=False),
        sa.Column("started_at", sa.String(), nullable=False),
        sa.Column("finished_at", sa.String()),
        sa.Column("models", sa.Integer(), nullable=False),
        sa.Column("new", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
    )
