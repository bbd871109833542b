// What a comparison shows, one function for each table and plot. Private to the room.
#pragma once

#include "study/comparison.h"

namespace molgen3d {

Table settings_table(const Comparison& comparison);
Table outcome_table(const Comparison& comparison);
Table geometry_table(const Comparison& comparison);
Table token_table(const Comparison& comparison);
Table time_table(const Comparison& comparison);
Table junk_table(const Comparison& comparison);
Table decimals_table(const Comparison& comparison);
Table coordinate_table(const Comparison& comparison);
Table drift_table(const Comparison& comparison);
Table failure_table(const Comparison& comparison);
Table descriptor_table(const Comparison& comparison);
Table mass_role_table(const Comparison& comparison);
Table mass_position_table(const Comparison& comparison);

std::string outcome_plots(const Comparison& comparison);
std::string time_plots(const Comparison& comparison);
std::string coordinate_plots(const Comparison& comparison);
std::string mass_plot(const Comparison& comparison);

}  // namespace molgen3d
