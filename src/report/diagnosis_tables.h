// The tables of `diagnose`.
#pragma once

#include <vector>

#include "analysis/diagnosis.h"
#include "report/table.h"

namespace molgen3d {

std::vector<Table> diagnosis_tables(const Diagnosis& diagnosis);

}  // namespace molgen3d
