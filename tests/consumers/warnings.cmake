# Fails if a public header of the installation in PREFIX has something to warn of with all that Clang, CXX, can warn of, or does not
# compile without run-time type information and exceptions; those for programs over Asio need exceptions. BUILD is where to put what is needed for that.
cmake_minimum_required(VERSION 3.25)
file(GLOB_RECURSE headers RELATIVE "${PREFIX}/include" "${PREFIX}/include/leash/*.hpp")
list(FILTER headers EXCLUDE REGEX "/detail/|/(track|fault)/(every_test_)?(doctest|gtest|catch2)\\.hpp$")
set(source "")
set(plain_source "")
foreach(header IN LISTS headers)
  string(APPEND source "#include <${header}>\n")
  file(STRINGS "${PREFIX}/include/${header}" for_asio REGEX "For programs that use standalone Asio" LIMIT_COUNT 1)
  if(NOT for_asio)
    string(APPEND plain_source "#include <${header}>\n")
  endif()
endforeach()
set(frameworks "")
foreach(pair IN ITEMS "doctest:doctest/doctest.h" "gtest:gtest/gtest.h" "catch2:catch2/catch.hpp" "catch2:catch2/catch_test_macros.hpp")
  string(REGEX REPLACE "(.*):(.*)" "#if __has_include(<\\2>)\n#include <leash/track/\\1.hpp>\n#endif\n" lines "${pair}")
  string(APPEND frameworks "${lines}")
endforeach()
file(MAKE_DIRECTORY "${BUILD}")
file(WRITE "${BUILD}/headers.cpp" "${source}")
file(WRITE "${BUILD}/plain_headers.cpp" "${plain_source}")
file(WRITE "${BUILD}/frameworks.cpp" "${plain_source}${frameworks}")

# Left out is what tells of older standards, of padding, and what no C++ program can obey.
set(left_out padded switch-default unsafe-buffer-usage pre-c++26-compat)
foreach(standard IN ITEMS c++98 c++20 pre-c++14 pre-c++17 pre-c++20 pre-c++23)
  list(APPEND left_out ${standard}-compat)
  if(NOT standard STREQUAL "c++20")
    list(APPEND left_out ${standard}-compat-pedantic)
  endif()
endforeach()
list(TRANSFORM left_out PREPEND -Wno-)
execute_process(COMMAND "${CXX}" -std=c++23 -fsyntax-only -I "${PREFIX}/include" -Weverything -Werror ${left_out} "${BUILD}/frameworks.cpp"
  COMMAND_ERROR_IS_FATAL ANY)
# These define the same macro, each for its framework.
foreach(pair IN ITEMS "doctest:doctest/doctest.h" "gtest:gtest/gtest.h" "catch2:catch2/catch.hpp" "catch2:catch2/catch_test_macros.hpp")
  string(REGEX REPLACE "(.*):(.*)" "#if __has_include(<\\2>)\n#include <leash/fault/\\1.hpp>\n#endif\n" lines "${pair}")
  file(WRITE "${BUILD}/sweep.cpp" "${lines}")
  execute_process(COMMAND "${CXX}" -std=c++23 -fsyntax-only -I "${PREFIX}/include" -Weverything -Werror ${left_out} "${BUILD}/sweep.cpp"
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
# Listeners are wholly in their headers.
foreach(pair IN ITEMS "doctest:doctest/doctest.h" "gtest:gtest/gtest.h" "catch2:catch2/catch.hpp" "catch2:catch2/catch_test_macros.hpp")
  string(REGEX REPLACE "(.*):(.*)" "#if __has_include(<\\2>)\n#include <leash/track/every_test_\\1.hpp>\n#endif\n" lines "${pair}")
  file(WRITE "${BUILD}/every_test.cpp" "${lines}")
  execute_process(COMMAND "${CXX}" -std=c++23 -fsyntax-only -I "${PREFIX}/include" -Weverything -Werror ${left_out} -Wno-weak-vtables "${BUILD}/every_test.cpp"
    COMMAND_ERROR_IS_FATAL ANY)
endforeach()
# What is compiled with the program's Asio has no source of its own for virtual functions and static variables.
list(APPEND left_out -Wno-weak-vtables -Wno-global-constructors -Wno-exit-time-destructors)
execute_process(COMMAND "${CXX}" -std=c++23 -fsyntax-only -I "${PREFIX}/include" -DASIO_HAS_CO_AWAIT=1 -Weverything -Werror ${left_out} "${BUILD}/headers.cpp"
  COMMAND_ERROR_IS_FATAL ANY)
# That there is no run-time type information, Asio finds out by itself with GCC only.
execute_process(COMMAND "${CXX}" -std=c++23 -fsyntax-only -I "${PREFIX}/include" -fno-rtti -DASIO_NO_TYPEID -DASIO_HAS_CO_AWAIT=1 "${BUILD}/headers.cpp"
  COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CXX}" -std=c++23 -fsyntax-only -I "${PREFIX}/include" -fno-rtti -fno-exceptions "${BUILD}/plain_headers.cpp"
  COMMAND_ERROR_IS_FATAL ANY)
list(LENGTH headers count)
message(STATUS "${count} headers")
