# What every target of leash is compiled with, and the trees that its headers are included from.

# <leash/fs/file.hpp> is lib/fs/file.hpp through this link; <leash/build_config.hpp> and <leash/version.hpp> are generated.
set(LEASH_INCLUDE_LINK "${PROJECT_BINARY_DIR}/include")
set(LEASH_INCLUDE_GENERATED "${PROJECT_BINARY_DIR}/generated")
file(MAKE_DIRECTORY "${LEASH_INCLUDE_LINK}")
file(CREATE_LINK "${PROJECT_SOURCE_DIR}/lib" "${LEASH_INCLUDE_LINK}/leash" SYMBOLIC)
set(LEASH_TRACKING_VALUE 0)
set(LEASH_ABI tracking_off)
if(LEASH_TRACKING)
  set(LEASH_TRACKING_VALUE 1)
  set(LEASH_ABI tracking_on)
endif()
# Below 1.0 a new minor version may change what objects have in common.
string(APPEND LEASH_ABI "_${PROJECT_VERSION_MAJOR}_${PROJECT_VERSION_MINOR}")
foreach(header IN ITEMS build_config version)
  configure_file("${PROJECT_SOURCE_DIR}/cmake/${header}.hpp.in" "${LEASH_INCLUDE_GENERATED}/leash/${header}.hpp" @ONLY)
endforeach()

# Compiles TARGET as leash is compiled: warnings, sanitizers, and no path of the build machine in sites or debug information.
function(leash_compile_options target)
  target_compile_features(${target} PUBLIC cxx_std_23)
  set_target_properties(${target} PROPERTIES CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE
    -Wall -Wextra -Wpedantic -Wshadow -Wconversion
    # GCC 12 takes "literal" + string for overlapping memory (GCC bug 105651).
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-restrict>
    $<$<BOOL:${LEASH_WERROR}>:-Werror>
    # The last one that matches wins.
    "-ffile-prefix-map=${PROJECT_SOURCE_DIR}/="
    "-ffile-prefix-map=${PROJECT_BINARY_DIR}=."
    "-ffile-prefix-map=${LEASH_INCLUDE_LINK}/leash=lib")
  if(LEASH_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${LEASH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_link_options(${target} PUBLIC -fsanitize=${LEASH_SANITIZE})
    if(LEASH_SANITIZE MATCHES thread)
      # Asio has fences, which TSan does not see.
      target_compile_options(${target} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
    endif()
  endif()
endfunction()

# leash_precompile(TARGET REUSE_FROM OTHER) or leash_precompile(TARGET HEADERS...): compiles TARGET with precompiled headers,
# which only the one who builds leash itself has.
function(leash_precompile target)
  if(NOT PROJECT_IS_TOP_LEVEL OR CMAKE_DISABLE_PRECOMPILE_HEADERS)
    return()
  endif()
  # Without the first option GCC would look for garbage all the time; ccache wants the second. GCC 12 sees std::string
  # overflow where it does not (GCC bug 105329).
  target_compile_options(${target} PRIVATE
    $<$<CXX_COMPILER_ID:GNU>:--param=ggc-min-heapsize=524288 -fpch-preprocess>
    $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-array-bounds;-Wno-stringop-overflow>)
  if(ARGV1 STREQUAL REUSE_FROM)
    target_precompile_headers(${target} ${ARGN})
  else()
    target_precompile_headers(${target} PRIVATE ${ARGN})
  endif()
endfunction()

# Whether any configuration is optimized when it is linked.
set(LEASH_LTO OFF)
get_directory_property(_leash_flags COMPILE_OPTIONS)
set(_leash_flags "${CMAKE_CXX_FLAGS} ${_leash_flags}")
foreach(_configuration IN ITEMS "" DEBUG RELEASE RELWITHDEBINFO MINSIZEREL LISTS CMAKE_BUILD_TYPE CMAKE_CONFIGURATION_TYPES)
  string(TOUPPER "${_configuration}" _configuration)
  if(CMAKE_INTERPROCEDURAL_OPTIMIZATION OR CMAKE_INTERPROCEDURAL_OPTIMIZATION_${_configuration}
      OR "${_leash_flags} ${CMAKE_CXX_FLAGS_${_configuration}}" MATCHES "-flto")
    set(LEASH_LTO ON)
  endif()
endforeach()

# leash_library(PART SOURCES...): the library leash_PART with the alias leash::PART.
function(leash_library part)
  add_library(leash_${part} ${ARGN})
  add_library(leash::${part} ALIAS leash_${part})
  set_target_properties(leash_${part} PROPERTIES EXPORT_NAME ${part} POSITION_INDEPENDENT_CODE ON
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} INSTALL_RPATH "$ORIGIN"
    # A macro that differs would keep them from having the same precompiled headers.
    DEFINE_SYMBOL "")
  leash_compile_options(leash_${part})
  # Nobody replaces single functions of leash, so they may be inlined.
  target_compile_options(leash_${part} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-semantic-interposition>)
  # Not where link-time optimization would mix the code with the program's.
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux" AND CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64" AND NOT LEASH_LTO)
    target_compile_definitions(leash_${part} PRIVATE LEASH_MARK_CODE)
  endif()
  get_target_property(type leash_${part} TYPE)
  if(type STREQUAL "SHARED_LIBRARY")
    # What users need of it has to be seen, whatever the project around it hides.
    set_target_properties(leash_${part} PROPERTIES CXX_VISIBILITY_PRESET default VISIBILITY_INLINES_HIDDEN OFF)
    # libbacktrace stays inside: the program may have one of its own.
    target_link_options(leash_${part} PRIVATE "LINKER:--exclude-libs,libbacktrace.a")
  endif()
  # Most of the time that a small source takes to compile goes into what it includes.
  set_target_properties(leash_${part} PROPERTIES UNITY_BUILD ${LEASH_UNITY_BUILD} UNITY_BUILD_BATCH_SIZE 0)
  # Half of the rest would go into these headers.
  if(part STREQUAL core)
    leash_precompile(leash_core <algorithm> <array> <atomic> <chrono> <cstring> <expected> <functional> <memory> <mutex>
      <optional> <ostream> <source_location> <span> <string> <string_view> <utility> <vector>)
  else()
    leash_precompile(leash_${part} REUSE_FROM leash_core)
  endif()
  target_include_directories(leash_${part} PUBLIC
    "$<BUILD_INTERFACE:${LEASH_INCLUDE_LINK}>"
    "$<BUILD_INTERFACE:${LEASH_INCLUDE_GENERATED}>"
    "$<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>")
endfunction()
