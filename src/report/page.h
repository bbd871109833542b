// A page that is complete in itself: it opens without a network and loads nothing.
#pragma once

#include <string>
#include <vector>

namespace molgen3d {

struct PageSection {
  std::string id, name;      ///< of its anchor and in the list on top
  std::string html;          ///< what stands below the heading
  bool own_heading = false;  ///< `html` brings the heading itself
};

/// `lead`: one line of HTML below the title.
std::string page_html(const std::string& title, const std::string& lead,
                      const std::vector<PageSection>& sections);

}  // namespace molgen3d
