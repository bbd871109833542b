# Debian's librdkit-dev ships no CMake package. Gives RDKit_FOUND and the target RDKit::RDKit with
# the libraries that the molecule and quality rooms use.
find_path(RDKit_INCLUDE_DIR GraphMol/ROMol.h PATH_SUFFIXES rdkit)
set(RDKit_LIBRARIES "")
foreach(part RDGeneral GraphMol SmilesParse SubstructMatch FileParsers Descriptors MolTransforms
             DistGeomHelpers DistGeometry ForceFieldHelpers ForceField MolAlign Alignment EigenSolvers
             RDGeometryLib ChemReactions ChemTransforms PartialCharges Depictor Subgraphs)
  find_library(RDKit_${part}_LIBRARY RDKit${part})
  if(RDKit_${part}_LIBRARY)
    list(APPEND RDKit_LIBRARIES ${RDKit_${part}_LIBRARY})
  endif()
  mark_as_advanced(RDKit_${part}_LIBRARY)
endforeach()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(RDKit REQUIRED_VARS RDKit_INCLUDE_DIR RDKit_GraphMol_LIBRARY RDKit_LIBRARIES)
if(RDKit_FOUND AND NOT TARGET RDKit::RDKit)
  add_library(RDKit::RDKit INTERFACE IMPORTED)
  set_target_properties(RDKit::RDKit PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES "${RDKit_INCLUDE_DIR}"
    INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${RDKit_INCLUDE_DIR}"
    INTERFACE_LINK_LIBRARIES "${RDKit_LIBRARIES}")
endif()
