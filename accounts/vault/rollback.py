"""Files that follow the open transaction: gone when it is rolled back."""

from __future__ import annotations

import logging
import weakref
from pathlib import Path
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, DatabaseError, connections, transaction

from accounts.vault.tables import Blob

logger = logging.getLogger(__name__)


def unlink_on_rollback(path: Path, blob_id: UUID, version: int) -> None:
    """Remove `path` if the open transaction ends without this version in the blob's row.

    Django tells nobody of a rollback, but it drops the commit hooks of what was
    rolled back: the end of an unused hook is the sign. Hooks are dropped as well
    when an earlier one raises after the commit; so the row is looked for, on a
    connection of its own, before anything is removed. In doubt the file stays,
    and `blobs_sweep` decides later.
    """
    row = Blob.objects.filter(pk=blob_id, version=version).values_list("version")
    hook = _Hook()
    hook.unused = weakref.finalize(hook, _remove_without_row, path, row.query.sql_with_params())
    hook.unused.atexit = False
    transaction.on_commit(hook)


class _Hook:
    """A commit hook that, once called, keeps the file."""

    unused: weakref.finalize

    def __call__(self) -> None:
        self.unused.detach()


def _remove_without_row(path: Path, row: tuple[str, tuple]) -> None:
    connection = connections.create_connection(DEFAULT_DB_ALIAS)
    try:
        with connection.cursor() as cursor:
            cursor.execute(*row)
            committed = cursor.fetchone() is not None
        if not committed:
            path.unlink(missing_ok=True)
    except (DatabaseError, OSError) as error:
        logger.warning("%s is left to the sweep: %s", path.name, error)
    finally:
        connection.close()
