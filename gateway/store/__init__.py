"""The store: tables, statements by name, views for reading, migrations."""
