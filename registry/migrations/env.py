"""Alembic's entry: run the migrations on the connection that registry.database hands over."""

from alembic import context
from sqlmodel import SQLModel

import registry.tables

assert registry.tables  # the tables are registered on SQLModel.metadata by this import  # noqa: S101

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
