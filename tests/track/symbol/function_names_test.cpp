#include <doctest/doctest.h>

#include <algorithm>
#include <leash/track/symbols.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "named_frames.hpp"

using leash::track::Frame;
using leash::track::resolve;
using leash::track::Stack;

#ifdef LEASH_HAVE_LIBBACKTRACE

namespace {

Stack captured;

[[gnu::noinline]] void capture() {
  captured = leash::track::capture_stack(16, 1);
  asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
}

/// The functions on the stack that `call` calls from, each followed by a newline.
std::string functions(void (*call)(named::Probe)) {
  call(capture);
  std::string all;
  for (const Frame& frame : resolve(captured)) {
    if (frame.function.contains("named::")) all += frame.function + "\n";
  }
  for (const std::string_view noise : {"operator()", "clone", ".actor", ".resume", "Frame*", "_Z", "$_"}) {
    CAPTURE(all);
    CHECK_FALSE(all.contains(noise));
  }
  return all;
}

}  // namespace

TEST_CASE("a coroutine that was resumed has the name it was written with") {
  CHECK(functions(named::call_from_coroutine).starts_with("named::coroutine(void (*)())\n"));
  CHECK(
      functions(named::call_from_member_coroutine).starts_with("named::Server::member_coroutine(void (*)()) const\n"));
  CHECK(functions(named::call_from_template_coroutine)
            .starts_with("named::template_coroutine<void (*)()>(void (*)())\n"));
  const std::string lambda = functions(named::call_from_coroutine_lambda);
  CAPTURE(lambda);
  CHECK(lambda.starts_with("named::call_from_coroutine_lambda("));
  CHECK(lambda.contains("lambda"));
}

TEST_CASE("a lambda has the name of the function that it stands in, inlined or not") {
  for (auto* const call : {named::call_from_lambda, named::call_from_generic_lambda, named::call_from_template_lambda,
                           named::call_from_inlined_lambda}) {
    const std::string names = functions(call);
    CAPTURE(names);
    const std::string innermost = names.substr(0, names.find('\n'));
    CHECK(innermost.starts_with("named::call_from_"));
    CHECK(innermost.contains(")::"));
    CHECK(innermost.contains("lambda"));
  }
}

TEST_CASE("a function that was inlined keeps its namespace") {
  const std::string names = functions(named::call_from_inlined_function);
  CAPTURE(names);
  CHECK(names.starts_with("named::Server::Part::inlined_member"));
  CHECK(names.contains("\nnamed::inlined_function"));
  CHECK(names.contains("\nnamed::call_from_inlined_function(void (*)())\n"));
}

#endif
