# Tests that take long for what they may find: libraries that come and go.
target_sources(track_test PRIVATE symbol/symbols_modules_test.cpp)
leash_test_sources(track symbol/symbols_modules_test.cpp)

# What unwind_test.cpp loads, one at the place of the other.
foreach(level IN ITEMS O0 O2)
  add_library(frames_plugin_${level} MODULE stack/frames.cpp)
  leash_compile_options(frames_plugin_${level})
  target_compile_definitions(frames_plugin_${level} PRIVATE FRAMES_PLUGIN)
  target_compile_options(frames_plugin_${level} PRIVATE -${level} -fomit-frame-pointer)
  target_compile_definitions(track_test PRIVATE "FRAMES_PLUGIN_${level}=\"$<TARGET_FILE:frames_plugin_${level}>\"")
  add_dependencies(track_test frames_plugin_${level})
endforeach()

# What unwind_test.cpp finds at a place where another library was.
foreach(size IN ITEMS 24 56 88)
  add_library(reloaded_${size} MODULE stack/reloaded.cpp)
  leash_compile_options(reloaded_${size})
  target_compile_definitions(reloaded_${size} PRIVATE FRAME_SIZE=${size})
  target_compile_definitions(track_test PRIVATE "RELOADED_${size}=\"$<TARGET_FILE:reloaded_${size}>\"")
  add_dependencies(track_test reloaded_${size})
endforeach()
