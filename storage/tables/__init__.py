"""The tables of the one SQLite file: opened, migrated, and a part for each concern."""
