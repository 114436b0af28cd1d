"""What a migration of words alters is words: nothing that a database would have to follow."""

from __future__ import annotations

from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations import AlterField, AlterModelOptions

from accounts.words_only import WordsOnly

LOADER = MigrationLoader(None)
MIGRATIONS = {
    key: one for key, one in LOADER.disk_migrations.items()
    if any(isinstance(each, WordsOnly) for each in one.operations)
}  # fmt: skip


def in_the_database(field) -> tuple:
    """What of a field a database holds: its kind and its arguments, without the words."""
    _, path, args, named = field.deconstruct()
    held = {name: value for name, value in named.items() if name not in field.non_db_attrs}
    return path, args, held


def test_no_column_is_altered_behind_the_database():
    assert len(MIGRATIONS) >= 3
    for (app, name), migration in MIGRATIONS.items():
        state = LOADER.project_state((app, name), at_end=False)
        for whole in migration.operations:
            for one in whole.state_operations:
                assert isinstance(one, AlterField | AlterModelOptions), (app, name, one)
                if isinstance(one, AlterField):
                    before = state.models[app, one.model_name_lower].fields[one.name]
                    assert in_the_database(before) == in_the_database(one.field), (app, name, one)
