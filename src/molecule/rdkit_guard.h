// Calls into RDKit turn every kind of exception into a one-line cause. Private to the room.
#pragma once

#include <GraphMol/GraphMol.h>
#include <GraphMol/SanitException.h>
#include <RDGeneral/Invariant.h>
#include <RDGeneral/RDLog.h>

#include <exception>
#include <mutex>
#include <string>
#include <utility>

namespace molgen3d {

/// RDKit's loggers are process-wide; they are switched off once, before the first call, because
/// doing so around each call would race between threads. Causes travel in exceptions instead.
inline void silence_rdkit() {
  static std::once_flag once;
  std::call_once(once, [] { boost::logging::disable_logs("rdApp.*"); });
}

/// `text` with line breaks turned into spaces.
inline std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  while (!text.empty() && text.back() == ' ') text.pop_back();
  return text;
}

/// Runs `body`; returns the cause when it threw, else an empty string.
template <typename Body>
std::string rdkit_cause(Body&& body) {
  silence_rdkit();
  try {
    std::forward<Body>(body)();
    return {};
  } catch (const Invar::Invariant& error) {
    return one_line("RDKit invariant violated: " + std::string(error.what()));
  } catch (const std::exception& error) {
    const std::string what = one_line(error.what());
    return what.empty() ? "RDKit gave no reason" : what;
  } catch (...) {
    return "RDKit threw an unknown exception";
  }
}

}  // namespace molgen3d
