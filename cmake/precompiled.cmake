# Precompiled headers of what nearly every file includes, which was a third to a half of a build. A
# file still includes what it uses: the fuzz preset (clang) and scripts/check_tidy.sh compile without
# them. GCC only, whose rule is one set of flags for the header and its users, so there is one for
# each way of compiling:
#   common    the rooms without RDKit         rdkit   molecule and quality
#   program   the command line: CLI11         test    GoogleTest programs
# They are small on purpose: each file pays for the size (0.2 s common, 1 s rdkit), so nlohmann/json,
# which one file in eight includes, is in none.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  option(MOLGEN3D_PRECOMPILED "Precompiled headers" ${PROJECT_IS_TOP_LEVEL})
endif()

set(molgen3d_common_headers
  <algorithm> <array> <cmath> <cstdint> <cstring> <filesystem> <functional> <limits> <map> <memory>
  <optional> <span> <string> <string_view> <unordered_map> <utility> <vector> <fmt/format.h>)
set(molgen3d_rdkit_headers <GraphMol/GraphMol.h> <GraphMol/MolOps.h>)

# molgen3d_precompiled(KIND [PROGRAM] HEADERS ... [LINK ...]): object library that makes the header;
# targets take it with molgen3d_use_precompiled(TARGET KIND).
function(molgen3d_precompiled kind)
  cmake_parse_arguments(ARG "PROGRAM" "" "HEADERS;LINK" ${ARGN})
  if(NOT MOLGEN3D_PRECOMPILED)
    return()
  endif()
  set(source ${PROJECT_BINARY_DIR}/precompiled/${kind}.cpp)
  if(NOT EXISTS ${source})
    file(WRITE ${source} "// A precompiled header belongs to a target, and a target needs a source.\n")
  endif()
  set(target molgen3d_precompiled_${kind})
  add_library(${target} OBJECT EXCLUDE_FROM_ALL ${source})
  target_link_libraries(${target} PRIVATE molgen3d_flags fmt::fmt ${ARG_LINK})
  target_precompile_headers(${target} PRIVATE ${ARG_HEADERS})
  if(ARG_PROGRAM)
    molgen3d_program_flags(${target})
  endif()
endfunction()

# molgen3d_use_precompiled(TARGET KIND)
function(molgen3d_use_precompiled target kind)
  if(TARGET molgen3d_precompiled_${kind})
    target_precompile_headers(${target} REUSE_FROM molgen3d_precompiled_${kind})
    # The first is for ccache (CMakeLists.txt) and changes nothing else. GCC forgets in a precompiled
    # header what is the system's, and warns of its own std::string (GCC bugs 105329, 105651).
    target_compile_options(${target} PRIVATE
      "$<$<COMPILE_LANGUAGE:CXX>:-fpch-preprocess;-Wno-array-bounds;-Wno-restrict;-Wno-stringop-overflow;-Wno-stringop-overread>")
  endif()
endfunction()

# Files of programs (command line, tests): they do no work that -O1 would slow down, and -O1 compiles
# a third faster than -O3. Position-independent as the compiler's default says, alike in the
# precompiled header and in the program.
function(molgen3d_program_flags target)
  target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-O1>)
  # At -O1 GCC 12 takes the text of an empty optional for one that is read.
  target_compile_options(${target} PRIVATE
    $<$<AND:$<CONFIG:Release>,$<CXX_COMPILER_ID:GNU>>:-Wno-maybe-uninitialized>)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
endfunction()

molgen3d_precompiled(common HEADERS ${molgen3d_common_headers})
if(MOLGEN3D_RDKIT)
  molgen3d_precompiled(rdkit HEADERS ${molgen3d_common_headers} ${molgen3d_rdkit_headers} LINK RDKit::RDKit)
endif()
if(MOLGEN3D_PROGRAM)
  molgen3d_precompiled(program PROGRAM HEADERS ${molgen3d_common_headers} <CLI/CLI.hpp> LINK CLI11::CLI11)
endif()
if(MOLGEN3D_TESTS)
  molgen3d_precompiled(test PROGRAM HEADERS ${molgen3d_common_headers} <gtest/gtest.h> LINK GTest::gtest)
endif()
