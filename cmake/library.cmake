# What another program links: find_package(molgen3d) after an installation, or add_subdirectory. Both
# give molgen3d::molgen3d (everything there is) and one target per room.
set(molgen3d_library_rooms base files text tokenizer constraint geometry checkpoint engine molecule generation)
set(molgen3d_installed_targets "")
add_library(molgen3d_all INTERFACE)
set_target_properties(molgen3d_all PROPERTIES EXPORT_NAME molgen3d)
add_library(molgen3d::molgen3d ALIAS molgen3d_all)
# Headers are found as <molgen3d/generation/generate.h>, and by each other as "generation/generate.h".
file(MAKE_DIRECTORY ${PROJECT_BINARY_DIR}/include)
file(CREATE_LINK ${PROJECT_SOURCE_DIR}/src ${PROJECT_BINARY_DIR}/include/molgen3d SYMBOLIC)
foreach(room ${molgen3d_library_rooms})
  if(TARGET molgen3d_${room})
    add_library(molgen3d::${room} ALIAS molgen3d_${room})
    set_target_properties(molgen3d_${room} PROPERTIES EXPORT_NAME ${room})
    target_compile_features(molgen3d_${room} PUBLIC cxx_std_20)
    target_include_directories(molgen3d_${room} INTERFACE
      $<BUILD_INTERFACE:${PROJECT_BINARY_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>
      $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/molgen3d>)
    target_link_libraries(molgen3d_all INTERFACE molgen3d_${room})
    list(APPEND molgen3d_installed_targets molgen3d_${room})
  endif()
endforeach()
if(TARGET molgen3d_kernels)
  set_target_properties(molgen3d_kernels PROPERTIES EXPORT_NAME kernels)
  list(APPEND molgen3d_installed_targets molgen3d_kernels)
endif()
set(molgen3d_MODELS_DIR ${PROJECT_SOURCE_DIR}/models)
if(NOT PROJECT_IS_TOP_LEVEL)
  set(molgen3d_MODELS_DIR ${molgen3d_MODELS_DIR} PARENT_SCOPE)  # as find_package(molgen3d) sets it
endif()
if(MOLGEN3D_FUZZ)
  return()
endif()

# The public headers: a promise, so they are named one by one. They need neither RDKit nor nlohmann.
set(molgen3d_headers
  base/coordinates.h base/error.h
  text/enriched_text.h text/number_format.h text/refusal.h text/smiles_scan.h text/styles.h text/tags.h text/template.h
  tokenizer/tokenizer.h
  constraint/compiler.h constraint/constraint.h constraint/end_of_sequence.h
  molecule/enriched.h molecule/make_template.h molecule/molecule.h molecule/writers.h
  generation/generate.h generation/settings.h)
foreach(header ${molgen3d_headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${PROJECT_SOURCE_DIR}/src/${header} COMPONENT development
    DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/molgen3d/${folder})
endforeach()

include(CMakePackageConfigHelpers)
set(package ${CMAKE_INSTALL_LIBDIR}/cmake/molgen3d)
install(TARGETS molgen3d_all ${molgen3d_installed_targets} EXPORT molgen3d_targets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT development)
install(EXPORT molgen3d_targets FILE molgen3d-targets.cmake NAMESPACE molgen3d::
  DESTINATION ${package} COMPONENT development)
set(models share/molgen3d/models)
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/molgen3d-config.cmake.in
  ${PROJECT_BINARY_DIR}/molgen3d-config.cmake INSTALL_DESTINATION ${package} PATH_VARS models)
write_basic_package_version_file(${PROJECT_BINARY_DIR}/molgen3d-config-version.cmake
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/molgen3d-config.cmake ${PROJECT_BINARY_DIR}/molgen3d-config-version.cmake
  ${PROJECT_SOURCE_DIR}/cmake/FindRDKit.cmake DESTINATION ${package} COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/models/ COMPONENT development DESTINATION ${models})
