// The tables of `diagnose`.
#pragma once

#include <vector>

#include "report/table.h"
#include "study/diagnosis.h"

namespace molgen3d {

std::vector<Table> diagnosis_tables(const Diagnosis& diagnosis);

}  // namespace molgen3d
