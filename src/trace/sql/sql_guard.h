// What a query may do: read the trace and work on temporary tables of its own, nothing else.
#pragma once

#include <sqlite3.h>

namespace molgen3d::trace {

/// Closes a database whose tables are made: SQLite's defensive mode, no trusted schema, no
/// tokenizers by pointer, no extensions, limits on lengths, and guard_queries().
void harden(sqlite3* db);

/// From now on statements that write anything but the temp schema, attach files, make virtual
/// tables or set pragmas fail with SQLITE_AUTH. `on` = false: the owner of the database fills a
/// table.
void guard_queries(sqlite3* db, bool on);

}  // namespace molgen3d::trace
