# libbacktrace as it comes with GCC: a static library and a header in the compiler's own directory.
#
# Compilers search that directory when they link, so the library is linked by name (-lbacktrace) and no versioned path
# gets into the installed package. The header is copied, because its directory also holds the headers that belong
# to GCC alone, and Clang must not see those.
foreach(_compiler "${CMAKE_CXX_COMPILER}" gcc)
  if(NOT Libbacktrace_LIBRARY)
    execute_process(COMMAND "${_compiler}" -print-file-name=libbacktrace.a
      OUTPUT_VARIABLE _path OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE _failed)
    if(NOT _failed AND IS_ABSOLUTE "${_path}")
      set(Libbacktrace_LIBRARY "${_path}" CACHE FILEPATH "GCC's libbacktrace")
    endif()
  endif()
endforeach()
if(Libbacktrace_LIBRARY)
  get_filename_component(_directory "${Libbacktrace_LIBRARY}" DIRECTORY)
  find_file(Libbacktrace_HEADER backtrace.h HINTS "${_directory}/include" NO_DEFAULT_PATH)
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Libbacktrace REQUIRED_VARS Libbacktrace_LIBRARY Libbacktrace_HEADER)
if(Libbacktrace_FOUND AND NOT TARGET Libbacktrace::Libbacktrace)
  file(COPY "${Libbacktrace_HEADER}" DESTINATION "${PROJECT_BINARY_DIR}/libbacktrace")
  add_library(Libbacktrace::Libbacktrace INTERFACE IMPORTED)
  target_include_directories(Libbacktrace::Libbacktrace SYSTEM INTERFACE "${PROJECT_BINARY_DIR}/libbacktrace")
endif()
mark_as_advanced(Libbacktrace_LIBRARY Libbacktrace_HEADER)
