// Where tests find data that the repository does not hold (tests/data/manifest.json,
// scripts/fetch_test_data.py), and what they say without it.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

namespace molgen3d::test {

/// Path of a file of the manifest: the first folder that holds it, in the order of the script.
inline std::string test_data(const std::string& name) {
  const std::string root = MOLGEN3D_SOURCE_DIR;
  std::string given;
  if (const char* folder = std::getenv("MOLGEN3D_TEST_DATA")) given = folder;
  for (const std::string& folder :
       {given, root + "/tests/data", root + "/.cache/test_data", root + "/../shared/data"}) {
    if (!folder.empty() && std::filesystem::exists(folder + "/" + name)) return folder + "/" + name;
  }
  return root + "/.cache/test_data/" + name;
}

inline bool have_test_data(const std::string& name) {
  return std::filesystem::exists(test_data(name));
}

}  // namespace molgen3d::test

/// Skips the test when a file of the manifest is not there.
#define MOLGEN3D_NEEDS_DATA(name)              \
  if (!::molgen3d::test::have_test_data(name)) \
  GTEST_SKIP() << "test data: " << (name) << " is not there (scripts/fetch_test_data.py)"
