// Samples in a page: a table to sort and filter, the selected one in 3D.
#pragma once

#include <string>
#include <string_view>

namespace molgen3d {

/// 3Dmol.js as pages carry it. All parts are empty in a build that had none
/// (scripts/fetch_3dmol.sh).
struct ViewerLibrary {
  std::string_view name;     ///< with version
  std::string_view script;   ///< gzip, base64
  std::string_view licence;  ///< plain text
};

/// The one that was compiled in.
ViewerLibrary viewer_library();

/// HTML with its heading and scripts. `data`: JSON text in the form that web/page.js reads; it and
/// the library are compressed and unpacked by the browser.
std::string samples_browser(const std::string& data, const ViewerLibrary& viewer);

}  // namespace molgen3d
