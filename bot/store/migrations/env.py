"""Alembic's entry point; `bot.store.migrate` calls it with an open connection."""

from alembic import context

from bot.store.models import Base

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Base.metadata,
    # SQLite alters a table by building it anew.
    render_as_batch=connection.dialect.name == "sqlite",
    # All steps in one transaction, on SQLite too: a failed upgrade leaves the store as it was.
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
