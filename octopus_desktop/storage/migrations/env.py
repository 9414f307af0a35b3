"""Run by alembic with the connection that `upgrade` opened. One transaction for all revisions: all or none."""

from alembic import context

from octopus_desktop.storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,  # SQLite can; alembic assumes it can't
)
with context.begin_transaction():
    context.run_migrations()
