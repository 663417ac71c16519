"""The migrations of the store. A released migration is never edited: add another."""

from __future__ import annotations

from storage.tables.schema import TABLES, TableSchema
from storage.tables.sqlite import Database, Migrations
from storage.tables.standings import TRIGGERS

MIGRATIONS = Migrations("bugfoundry")

UNRELEASED = frozenset(
    {
        *("m001_sources", "m002_environments", "m003_bugs", "m004_size_of_environments"),
        *("m005_model_calls", "m006_coverage", "m007_mirror", "m008_mirrored_tasks"),
        *("m009_model_costs", "m010_parents", "m011_models", "m011_queue", "m012_hosted"),
        *("m013_standings", "m014_dispatches", "m015_images_and_campaigns", "m016_gates"),
    }
)
"""The migrations before the first release; all together they made what ``m001_schema`` makes."""

LAST_UNRELEASED = "99c7761"
"""The last revision that has them, and so brings any store of before up to date."""


@MIGRATIONS()
def m001_schema(db: Database) -> None:
    """Every table, index and trigger of the first release."""
    for schema in TABLES:
        _create_table(db, schema)
    for statement in TRIGGERS:
        db.execute(statement)
    db.execute(
        "create index idx_standings_with_tasks on standings (strategy, operator, tree, tasks, bug) "
        "where tasks > 0"
    )


def adopt_unreleased(db: Database) -> None:
    """Record the unreleased migrations, all of them applied, as the first released one."""
    records = db.table(MIGRATIONS.migrations_table)
    ours = "migration_set = ? and name"
    records.delete_where(f"{ours} not in ('m001_sources')", [MIGRATIONS.name])
    db.execute(
        f"update {records.name} set name = 'm001_schema' where {ours} = 'm001_sources'",
        [MIGRATIONS.name],
    )


def _create_table(db: Database, schema: TableSchema) -> None:
    key = schema.key.split()
    table = db.table(schema.name).create(
        schema.types(),
        pk=key[0] if len(key) == 1 else key,
        foreign_keys=[_reference(column, to) for column, to in schema.references.items()],
        not_null=schema.defaults,
        defaults=dict(schema.defaults),
    )
    for columns in schema.unique:
        table.create_index(columns.split(), unique=True)
    for columns in schema.indexes:
        table.create_index(columns.split())


def _reference(column: str, to: str) -> tuple[str, str, str]:
    table, _, other = to.partition(".")
    return column, table, other
