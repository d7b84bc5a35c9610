"""A crawl keeps what a later one goes on from, counts what was renamed, gone or back, and has tasks if it is a walk.

Before, a crawl had one stage, and an empty cursor said that its last page was saved; now no stage says so.
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name in ("stage", "tail", "watermark"):
        op.add_column("runs", sa.Column(name, sa.String()))
    for name in ("renamed", "gone", "returned"):
        op.add_column("runs", sa.Column(name, sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE runs SET cursor = NULL WHERE cursor = ''")
    op.execute("UPDATE runs SET stage = 'sweep' WHERE cursor IS NOT NULL AND finished_at IS NULL")
    op.create_table(
        "tasks",
        sa.Column("run_key", sa.Integer(), sa.ForeignKey("runs.key"), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String().with_variant(sa.String(collation="C"), "postgresql"), nullable=False),
        sa.Column("cursor", sa.String()),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("run_key", "kind", "name"),
    )
