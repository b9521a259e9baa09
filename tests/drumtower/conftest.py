"""Databases that need no migration."""

from tests.databases import migrated as migrated
from tests.databases import new_databases_have_tables as new_databases_have_tables
