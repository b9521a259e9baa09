"""Optimistic concurrency: a row is changed only while it is the version that somebody has seen."""

from __future__ import annotations

from typing import TypeVar

from sqlalchemy import Delete, Update
from sqlalchemy.orm import InstrumentedAttribute

StatementT = TypeVar("StatementT", Update, Delete)


def at_version(statement: StatementT, column: InstrumentedAttribute[int], version: int | None) -> StatementT:
    """The statement, for rows of this version alone; None is any."""
    return statement if version is None else statement.where(column == version)
