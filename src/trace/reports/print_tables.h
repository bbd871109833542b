// How `molgen3d trace` prints its tables.
#pragma once

#include <string>
#include <vector>

#include "report/table.h"

namespace molgen3d::trace {

enum class TableFormat { kText, kCsv, kJson };

/// Text has no control characters and cuts long names to `name_width` characters and, unless
/// `exact`, numbers to 3 decimals; CSV (RFC 4180) and JSON never cut. CSV of several tables: one
/// after the other, an empty line between; notes are left out. JSON: a row is an object, by names
/// of columns.
std::string print_tables(const std::vector<Table>& tables, TableFormat format,
                         size_t name_width = 80, bool exact = false);

}  // namespace molgen3d::trace
