// Calls into RDKit from this room: every kind of exception becomes an Error. Private to the room.
#pragma once

#include <RDGeneral/Invariant.h>

#include <exception>
#include <string>
#include <utility>

#include "base/error.h"

namespace molgen3d {

template <typename Body>
auto rdkit_call(const char* what, Body&& body) -> decltype(body()) {
  try {
    return std::forward<Body>(body)();
  } catch (const Error&) {
    throw;
  } catch (const Invar::Invariant& error) {
    throw Error::format("{}: RDKit invariant violated: {}", what, error.what());
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    throw Error::format("{}: {}", what, error.what());
  }
}

}  // namespace molgen3d
