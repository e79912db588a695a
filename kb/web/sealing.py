"""What SQL on the library may do beyond reading it: nothing.

Datasette lets only SELECTs pass and opens the file read only. SQLite itself refuses here what would matter if
something slipped through: opening another file, and telling where the files lie.
"""

from __future__ import annotations

import sqlite3

#: Tables that SQLite offers about itself and that hold paths of this machine.
_TELLING = {"pragma_database_list"}
#: Functions that give addresses in memory, or load code.
_FUNCTIONS = {"fts3_tokenizer", "load_extension"}


def seal(connection: sqlite3.Connection) -> None:
    """Refuse ATTACH and DETACH on a connection, tables that tell where the files lie, and risky functions."""
    connection.set_authorizer(_decide)


def _decide(action: int, first: str | None, second: str | None, *_: str | None) -> int:
    if action in (sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH):
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_READ and first in _TELLING:
        return sqlite3.SQLITE_DENY
    if action == sqlite3.SQLITE_FUNCTION and second in _FUNCTIONS:
        return sqlite3.SQLITE_DENY
    return sqlite3.SQLITE_OK
