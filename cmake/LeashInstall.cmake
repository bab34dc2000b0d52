# What `cmake --install` puts where, and the package that find_package(leash) finds there.
include(CMakePackageConfigHelpers)
set(LEASH_PACKAGE_DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/leash")

install(TARGETS leash_core leash_track leash_report leash_fault leash_fs leash_net leash_net_conformance leash_asio leash_leash EXPORT leash)
install(TARGETS leash_interpose EXPORT leash OBJECTS DESTINATION "${CMAKE_INSTALL_LIBDIR}/leash")
if(TARGET leash_preload)
  install(TARGETS leash_preload)
endif()
install(DIRECTORY "${PROJECT_SOURCE_DIR}/lib/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/leash" FILES_MATCHING PATTERN "*.hpp"
  PATTERN "net/conformance" EXCLUDE PATTERN "interpose" EXCLUDE)
if(LEASH_BUILD_TOOLS)
  install(TARGETS leash_tool)
endif()
install(FILES "${LEASH_INCLUDE_GENERATED}/leash/build_config.hpp" "${LEASH_INCLUDE_GENERATED}/leash/version.hpp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/leash")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(EXPORT leash NAMESPACE leash:: FILE leashTargets.cmake DESTINATION "${LEASH_PACKAGE_DESTINATION}")
get_target_property(LEASH_LIBRARY_TYPE leash_track TYPE)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/leashConfig.cmake.in" "${PROJECT_BINARY_DIR}/leashConfig.cmake"
  INSTALL_DESTINATION "${LEASH_PACKAGE_DESTINATION}" NO_SET_AND_CHECK_MACRO)
# Below 1.0 a new minor version may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/leashConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/leashConfig.cmake" "${PROJECT_BINARY_DIR}/leashConfigVersion.cmake"
  DESTINATION "${LEASH_PACKAGE_DESTINATION}")

# For those who build without CMake: `pkg-config --cflags --libs leash`, or leash-fs and the like.
set(prefix "${CMAKE_INSTALL_PREFIX}")
set(libdir "${CMAKE_INSTALL_FULL_LIBDIR}")
set(includedir "${CMAKE_INSTALL_FULL_INCLUDEDIR}")
if(NOT IS_ABSOLUTE "${CMAKE_INSTALL_LIBDIR}" AND NOT IS_ABSOLUTE "${CMAKE_INSTALL_INCLUDEDIR}")
  # Wherever it was installed to.
  file(RELATIVE_PATH prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
  string(REGEX REPLACE "/$" "" prefix "\${pcfiledir}/${prefix}")
  set(libdir "\${prefix}/${CMAKE_INSTALL_LIBDIR}")
  set(includedir "\${prefix}/${CMAKE_INSTALL_INCLUDEDIR}")
endif()

# leash_pkg_config(NAME DESCRIPTION [REQUIRES package...] [LIBS option...] [PRIVATE_REQUIRES package...] [PRIVATE_LIBS option...]): what is
# private is what a static library is linked with.
function(leash_pkg_config name description)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "REQUIRES;LIBS;PRIVATE_REQUIRES;PRIVATE_LIBS")
  set(requires ${arg_REQUIRES})
  set(libs ${arg_LIBS})
  set(private_libs ${arg_PRIVATE_LIBS})
  if(arg_LIBS)
    list(PREPEND libs "-L\${libdir}")
    if(LEASH_LIBRARY_TYPE STREQUAL "STATIC_LIBRARY")
      # There is no other way to link them, whether pkg-config is called with --static or not.
      list(APPEND requires ${arg_PRIVATE_REQUIRES})
      list(APPEND libs ${private_libs})
      set(private_libs "")
    endif()
  endif()
  list(JOIN requires ", " requires)
  list(JOIN libs " " libs)
  list(JOIN private_libs " " private_libs)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/leash.pc.in" "${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc" @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/pkgconfig/${name}.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endfunction()

set(track_libs "")
if(CMAKE_DL_LIBS)
  set(track_libs "-l${CMAKE_DL_LIBS}")
endif()
if(Libbacktrace_FOUND)
  list(PREPEND track_libs -lbacktrace)
endif()
leash_pkg_config(leash-core "${PROJECT_DESCRIPTION}: contexts, clocks and errors" LIBS -lleash_core -pthread)
leash_pkg_config(leash-track "${PROJECT_DESCRIPTION}: trackers" REQUIRES leash-core LIBS -lleash_track PRIVATE_REQUIRES "fmt >= 9" PRIVATE_LIBS ${track_libs})
set(report_requires "")
if(LEASH_REPORT_NEEDS_ZLIB)
  set(report_requires zlib)
endif()
leash_pkg_config(leash-report "${PROJECT_DESCRIPTION}: reports for other tools" REQUIRES leash-track LIBS -Wl,-u,leash_report_files -Wl,--no-as-needed -lleash_report PRIVATE_REQUIRES ${report_requires})
leash_pkg_config(leash-fault "${PROJECT_DESCRIPTION}: faults" REQUIRES leash-track LIBS -lleash_fault)
leash_pkg_config(leash-fs "${PROJECT_DESCRIPTION}: files" REQUIRES leash-fault LIBS -lleash_fs)
leash_pkg_config(leash-net "${PROJECT_DESCRIPTION}: the network" REQUIRES leash-fault LIBS -lleash_net)
leash_pkg_config(leash-net-conformance "${PROJECT_DESCRIPTION}: checks of connections" REQUIRES leash-net LIBS -lleash_net_conformance)
leash_pkg_config(leash "${PROJECT_DESCRIPTION}" REQUIRES leash-fs leash-net)
