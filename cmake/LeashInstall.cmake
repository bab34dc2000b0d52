# What `cmake --install` puts where, and the package that find_package(leash) finds there.
include(CMakePackageConfigHelpers)
set(LEASH_PACKAGE_DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/leash")

install(TARGETS leash_core leash_track leash_fault leash_fs leash_net leash_leash EXPORT leash)
install(DIRECTORY "${PROJECT_SOURCE_DIR}/lib/" DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/leash" FILES_MATCHING PATTERN "*.hpp")
install(FILES "${LEASH_INCLUDE_GENERATED}/leash/build_config.hpp" "${LEASH_INCLUDE_GENERATED}/leash/version.hpp"
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/leash")
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION "${CMAKE_INSTALL_DOCDIR}")

install(EXPORT leash NAMESPACE leash:: FILE leashTargets.cmake DESTINATION "${LEASH_PACKAGE_DESTINATION}")
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/leashConfig.cmake.in" "${PROJECT_BINARY_DIR}/leashConfig.cmake"
  INSTALL_DESTINATION "${LEASH_PACKAGE_DESTINATION}" NO_SET_AND_CHECK_MACRO)
# Below 1.0 a new minor version may break its users.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/leashConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/leashConfig.cmake" "${PROJECT_BINARY_DIR}/leashConfigVersion.cmake"
  DESTINATION "${LEASH_PACKAGE_DESTINATION}")
