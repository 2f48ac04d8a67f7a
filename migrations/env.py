"""Alembic's entry. `verify_service.storage.migrations.migrate` hands in a connection whose transaction it holds."""

from alembic import context

from verify_service.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, compare_type=True)
context.run_migrations()
