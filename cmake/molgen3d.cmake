# Compiler flags and the few functions every room's CMakeLists.txt uses.
add_library(molgen3d_flags INTERFACE)
target_include_directories(molgen3d_flags INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_features(molgen3d_flags INTERFACE cxx_std_20)
target_compile_options(molgen3d_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra $<$<BOOL:${MOLGEN3D_WERROR}>:-Werror> -ffp-contract=off>)
if(MOLGEN3D_SANITIZE)
  # Line tables only: full debug information doubles the time of a sanitized build.
  set(CMAKE_CXX_FLAGS_SANITIZE "-O1 -g1")
  add_compile_options(-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
if(MOLGEN3D_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined)
  add_link_options(-fsanitize=address,undefined)
endif()

# molgen3d_room(NAME SOURCES a.cpp ... LINK room|target ...): library molgen3d_NAME.
function(molgen3d_room name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;PRIVATE_LINK" ${ARGN})
  add_library(molgen3d_${name} STATIC ${ARG_SOURCES})
  if("RDKit::RDKit" IN_LIST ARG_PRIVATE_LINK)
    molgen3d_use_precompiled(molgen3d_${name} rdkit)
  else()
    molgen3d_use_precompiled(molgen3d_${name} common)
  endif()
  if(MOLGEN3D_FUZZ)
    set_target_properties(molgen3d_${name} PROPERTIES EXCLUDE_FROM_ALL ON)  # only what a fuzzer links
  endif()
  # Our own programs and tests inherit the flags; those of another project keep theirs.
  if(PROJECT_IS_TOP_LEVEL)
    target_link_libraries(molgen3d_${name} PUBLIC $<BUILD_INTERFACE:molgen3d_flags>)
  else()
    target_link_libraries(molgen3d_${name} PRIVATE $<BUILD_INTERFACE:molgen3d_flags>)
  endif()
  target_link_libraries(molgen3d_${name} PUBLIC ${ARG_LINK} PRIVATE ${ARG_PRIVATE_LINK})
endfunction()

# molgen3d_test(NAME SOURCES ... LINK ... [LABELS ...]): one GoogleTest program = one CTest test,
# run from the repository root. Tests skip (GTEST_SKIP) when the data they need is absent; what becomes
# of a skip is decided in tests/skips.
function(molgen3d_test name)
  if(NOT MOLGEN3D_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LINK;LABELS" ${ARGN})
  if(MOLGEN3D_SANITIZE AND "slow" IN_LIST ARG_LABELS)
    return()  # minutes already without sanitizers
  endif()
  add_executable(${name} ${ARG_SOURCES})
  molgen3d_program_flags(${name})
  molgen3d_use_precompiled(${name} test)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} molgen3d_test_skips GTest::gtest GTest::gtest_main)
  target_include_directories(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests)
  target_compile_definitions(${name} PRIVATE
    MOLGEN3D_SOURCE_DIR="${PROJECT_SOURCE_DIR}" MOLGEN3D_BINARY_DIR="${PROJECT_BINARY_DIR}")
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 600)
  endif()
  if(MOLGEN3D_SANITIZE)
    math(EXPR ARG_TIMEOUT "${ARG_TIMEOUT} * 4")
  endif()
  add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
  if("slow" IN_LIST ARG_LABELS)
    set_tests_properties(${name} PROPERTIES COST 40)  # seconds, roughly: long ones start first
  endif()
endfunction()

# molgen3d_left_out("NAME: REASON"): tests that this build cannot have; counted as skipped.
function(molgen3d_left_out what)
  set_property(GLOBAL APPEND PROPERTY MOLGEN3D_LEFT_OUT "${what}")
endfunction()

# molgen3d_fuzzer(NAME SOURCE file LINK ...): libFuzzer program, built only with MOLGEN3D_FUZZ.
function(molgen3d_fuzzer name)
  cmake_parse_arguments(ARG "" "SOURCE" "LINK" ${ARGN})
  if(MOLGEN3D_FUZZ)
    add_executable(${name} ${ARG_SOURCE})
    target_link_libraries(${name} PRIVATE ${ARG_LINK} -fsanitize=fuzzer)
  endif()
endfunction()
