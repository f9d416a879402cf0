"""Run by Alembic. The connection, and with it the transaction, is the caller's."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection)
with context.begin_transaction():
    context.run_migrations()
