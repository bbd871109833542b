// A comparison as one page: its sections, then the samples.
#include <fmt/format.h>

#include <algorithm>

#include "report/page.h"
#include "study/comparison.h"
#include "study/samples_data.h"

namespace molgen3d {

namespace {

std::string section_html(const Comparison& comparison, const ReportSection& section) {
  std::string out;
  bool any_plot = false;
  for (const auto& part : section.parts) {
    const auto* plot = std::get_if<Plot>(&part);
    const std::string html =
        plot != nullptr ? (*plot)(comparison) : table_html(std::get<Table>(part));
    any_plot |= plot != nullptr && !html.empty();
    out += html;
  }
  if (!any_plot && !section.without_plots.empty())
    return fmt::format("<p class=\"note\">{}</p>", section.without_plots);
  return out;
}

}  // namespace

std::string comparison_html(const Comparison& comparison, const std::string& title,
                            const ViewerLibrary& viewer) {
  size_t samples = 0;
  for (const RunSummary& run : comparison.runs) samples += run.samples;
  std::vector<PageSection> sections;
  for (const ReportSection& section : comparison.sections)
    sections.push_back({section.id, section.name, section_html(comparison, section)});
  sections.push_back({"s-samples", "Samples", samples_browser(samples_data(comparison), viewer),
                      /*own_heading=*/true});
  return page_html(title,
                   fmt::format("{} runs, {} samples. Times are seconds unless said otherwise.",
                               comparison.runs.size(), samples),
                   sections);
}

}  // namespace molgen3d
