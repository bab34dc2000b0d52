#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <leash/track/symbol/function_names.hpp>
#include <leash/track/symbols.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

using leash::track::abridge;
using leash::track::Frame;
using leash::track::is_user_function;
using leash::track::resolve;
using leash::track::Stack;

namespace symbols_test {

unsigned captured_line = 0;

[[gnu::noinline]] Stack capture_here(const std::string&) {
  captured_line = __LINE__ + 1;
  Stack stack = leash::track::capture_stack(16);
  asm volatile("" ::: "memory");  // NOLINT(hicpp-no-assembler): no tail call
  return stack;
}

}  // namespace symbols_test

TEST_CASE("a captured address is the line and the function of the call") {
  const Stack stack = symbols_test::capture_here("x");
  const std::vector<Frame> frames = resolve(stack.addresses.front());
  REQUIRE_FALSE(frames.empty());
  const Frame& frame = frames.back();
#ifdef LEASH_HAVE_LIBBACKTRACE
  CHECK(frame.function.starts_with("symbols_test::capture_here("));
#endif
  CHECK_FALSE(frame.inlined);
  CHECK(frame.module.contains("track_test"));
  CHECK(frame.offset != 0);
  if (frame.line != 0) {  // built with debug information
    CHECK(frame.line == symbols_test::captured_line);
    CHECK(frame.file.ends_with("tests/track/symbol/symbols_test.cpp"));
  }
}

TEST_CASE("an address in a library without debug information is named by its symbol, with module and offset") {
  const auto address = reinterpret_cast<std::uintptr_t>(&std::qsort) + 1;
  const std::vector<Frame> frames = resolve(address);
  REQUIRE(frames.size() == 1);
  CHECK(frames.front().function.contains("qsort"));
  CHECK(frames.front().offset != 0);
}

TEST_CASE("an address in nothing resolves to a frame that knows nothing") {
  for (const std::uintptr_t address : {std::uintptr_t{0}, std::uintptr_t{1}, ~std::uintptr_t{0}}) {
    const std::vector<Frame> frames = resolve(address);
    REQUIRE(frames.size() == 1);
    CHECK(frames.front().function.empty());
    CHECK(frames.front().module.empty());
  }
}

TEST_CASE("threads may resolve at the same time") {
  const Stack stack = symbols_test::capture_here("x");
  // Half of them new: each thread begins at another one.
  const auto begin = reinterpret_cast<std::uintptr_t>(&symbols_test::capture_here);
  std::vector<std::string> found(4);
  const auto look_up = [&](std::size_t thread) {
    for (std::size_t index = 0; index < 64; ++index) {
      const std::uintptr_t address = begin + ((index + 16 * thread) % 64);
      found[thread] += resolve(address).back().module.empty() ? "?" : "";
    }
  };
  {
    std::vector<std::jthread> threads;
    for (std::size_t thread = 0; thread < found.size(); ++thread) threads.emplace_back(look_up, thread);
  }
  for (const std::string& unknown : found) CHECK(unknown.empty());
  const auto names = [&] {
    std::string all;
    for (const Frame& frame : resolve(stack)) all += frame.function + "\n";
    return all;
  };
  const std::string expected = names();
  std::vector<std::jthread> threads;
  for (int thread = 0; thread < 4; ++thread) threads.emplace_back([&] { CHECK(names() == expected); });
}

TEST_CASE("frames of leash, the standard library, start-up code and test runners are not the user's") {
  for (const std::string_view name : {
           "leash::tracking_on_0_1::track::Tracker::create(leash::tracking_on_0_1::track::Resource const&)",
           "leash::fs::FileSystem::open(leash::Call, std::string_view)",
           "std::function<void (int)>::operator()(int) const",
           "void std::__invoke_impl<void, main::{lambda()#2}>(std::__invoke_other, main::{lambda()#2}&&)",
           "std::thread::_State_impl<std::thread::_Invoker<std::tuple<main::{lambda()#2}> > >::_M_run()",
           "doctest::Context::run()",
           "decltype ({parm#2}()) leash::fs::(anonymous namespace)::open_tracked<int>(int, int)",
           "_start",
           "boost::asio::io_context::run()",
           "__libc_start_main_impl",
           "___interceptor_pthread_create",
           "leash::fs::walk(int) const::{lambda()#1}::operator()() const",
           "testing::internal::HandleExceptions(int)",
           "__libc_start_call_main",
           "start_thread",
           "clone3",
           "asan_thread_start(void*)",
       }) {
    CAPTURE(name);
    CHECK_FALSE(is_user_function(name));
  }
  for (const std::string_view name : {
           "main",
           "int main()",
           "mirror::send_file(leash::Context, std::string_view)",
           "void app::use<leash::fs::File>(leash::fs::File&)",
           "main::{lambda(int)#1}::operator()(int) const::{lambda()#1}::operator()() const",
           "(anonymous namespace)::open(leash::Call)",
           "std::vector<int> app::load()",
           "leash_bench::run()",
           "app::operator<(app::A const&, app::B const&)",
           "app::A::operator std::string() const",
           "app::A::operator()(int)",
           "app::Server::serve(int) const::{lambda()#1}::operator()() const",
           "testing::my_helper()",
           "start_thread(leash::Context const&)",
           "clone(int)",
           "leashed::f()",
           "stdx::f()",
           "std_like()",
           "std::ostream &app::operator<<(std::ostream &, int)",
       }) {
    CAPTURE(name);
    CHECK(is_user_function(name));
  }
}

TEST_CASE("of a name that the runtime cannot demangle is told what can be") {
  using leash::track::detail::demangle;
  // Clang's names of constrained templates, which GCC 12 does not know.
  CHECK(demangle("_ZN3app11constrainedITkSt8integraliEEvRN5leash5track7TrackerET_") == "app::constrained<…>");
  CHECK(demangle("_ZNK5leash3net4Conn4pollIZNS0_3runEvEUlTk1AT_E_EEvT_") == "leash::net::Conn::poll<…>");
  CHECK(demangle("_ZNSt6thread11_State_implIZ3runvEUlTk1AT_E_E6_M_runEv") == "std::thread::_State_impl<…>");
  CHECK(demangle("_ZZN5leash3runEvENKUlTk1AT_E_clIiEEDaS0_") == "leash::run()::{lambda}");
  CHECK(demangle("_ZN12_GLOBAL__N_13runITkSt8integraliEEvT_") == "(anonymous namespace)::run<…>");
  for (const std::string_view name : {"_Z", "_ZN", "_Z9999999999999999999999f", "_ZN99app", "_ZZZZZZ", "_ZNSt"}) {
    CAPTURE(name);
    CHECK((demangle(name.data()) == name || demangle(name.data()) == "std"));
  }
}

TEST_CASE("a name without its parameters is that of the function") {
  using leash::track::detail::name_without_parameters;
  CHECK(name_without_parameters("app::serve(Pool&)::Worker::run(int) const") == "app::serve(Pool&)::Worker::run");
  CHECK(name_without_parameters("app::F::operator()(int)") == "app::F::operator()");
  CHECK(name_without_parameters("app::run()::{lambda(int)#1}") == "app::run()::{lambda(int)#1}");
  CHECK(name_without_parameters(abridge("void (*app::handler(app::T&))(int)")) == "app::handler");
  CHECK(abridge("int (&app::table(bool))[3]") == "app::table(bool)");
  CHECK(abridge("app::Pool<" + std::string(300, 'x') + ">::acquire()") == "app::Pool<…>::acquire()");
  const std::string of_leash = "leash::track::detail::tag_opened<leash::fs::File, leash::fs::open_with_tag<" +
                               std::string(200, 'x') + ">(int)::<lambda(std::unique_ptr<T>&&, leash::track::Tag&&)> >";
  CHECK_FALSE(is_user_function(abridge(of_leash)));
  CHECK_FALSE(
      is_user_function("leash::net::detail::TrackedAsyncListener::do_async_ac…d (int)>&&, std::expected<int>)#2}"));
}

TEST_CASE("names are abridged for reading") {
  CHECK(abridge("int main()") == "main()");
  CHECK(abridge("main") == "main");
  CHECK(abridge("main()::<lambda()> mutable") == "main()::<lambda()> mutable");
  CHECK(abridge("(anonymous namespace)::send((anonymous namespace)::Pool&, leash::" LEASH_ABI_STRING "::Call)") ==
        "send(Pool&, leash::Call)");
  CHECK(abridge("void app::put<std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> > >()") ==
        "app::put<std::string >()");
  CHECK(abridge("void via({anonymous}::Pool&, T) [with T = int]") == "via(Pool&, T)");
  CHECK(abridge("app::load(int, int)::{lambda(int)#1}::operator()(int) const") ==
        "app::load(int, int)::{lambda(int)#1}");
  CHECK(abridge("app::Server::serve(int) const::{lambda()#1}::operator()() const") ==
        "app::Server::serve(int) const::{lambda()#1}");
  CHECK(abridge("auto app::take(T) [T = int]") == "app::take(T)");
  CHECK(abridge("std::ostream &app::operator<<(std::ostream &, int)") == "app::operator<<(std::ostream &, int)");
  CHECK(abridge("app::A::operator std::string() const") == "app::A::operator std::string() const");
  CHECK(abridge("app::send_all(leash::Context const&, std::function<void (unsigned long)> "
                "const&)::{lambda()#2}::operator()() "
                "const") == "app::send_all(…)::{lambda()#2}");
  CHECK(abridge("app::accept(" + std::string(99, 'a') + ")::{lambda(app::Result<" + std::string(99, 'b') +
                ", int>)#2}::operator()(app::Result<int>) const") == "app::accept(…)::{lambda(…)#2}");
  CHECK(abridge("decltype ({parm#2}()) leash::fs::open<int, f(int)::{lambda()#1}>(int, f(int)::{lambda()#1} const&)") ==
        "leash::fs::open<int, f(int)::{lambda()#1}>(…)");
  CHECK(abridge("app::operator()(int)").contains("operator()"));
  const std::string longest = "app::f(" + std::string(100, 'a') + ")";
  CHECK(abridge(longest) == "app::f(…)");
  CHECK(abridge(std::string(5000, 'x')).size() < 200);
}

TEST_CASE("a coroutine is named as it was written, and so is a copy or a part of a function") {
  const std::string frame = "::_ZNK3app6Server5serveEi.Frame*)";
  CHECK(abridge("app::Server::serve(app::Server::serve(int) const" + frame + " [clone .actor]") ==
        "app::Server::serve(int) const");
  CHECK(abridge("app::Server::serve(app::Server::serve(int) const" + frame + " [clone .actor] [clone .cold]") ==
        "app::Server::serve(int) const");
  // As GCC's source_location has it.
  CHECK(abridge("void app::work(work(Context, int)::_ZN3app4workENS_7ContextEi.Frame*)") ==
        "app::work(app::Context, int)");
  CHECK(abridge("app::gwork(app::gwork<double>(double)::_ZN3app5gworkIdEE4taskT_.Frame*) [clone .destroy]") ==
        "app::gwork<double>(double)");
  CHECK(abridge("app::handle(int)::{lambda(int)#4}::operator()(app::handle(int)::{lambda(int)#4}::operator()(int) "
                "const::_ZZN3app6handleEiENKUliE2_clEi.Frame*) [clone .actor]") == "app::handle(int)::{lambda(int)#4}");
  CHECK(abridge("app::work(app::Context, int) [clone .resume]") == "app::work(app::Context, int)");
  CHECK(abridge("app::work(app::Context, int) (.resume)") == "app::work(app::Context, int)");
  CHECK(abridge("app::load(int) [clone .isra.0] [clone .part.1]") == "app::load(int)");
  CHECK(abridge("app::f(app::f(int)::_Znonsense.Frame*)") == "app::f(app::f(int)::_Znonsense.Frame*)");
}

TEST_CASE("a lambda is named by the function it stands in, whoever compiled it") {
  const std::string generic = "auto app::handle(int)::{lambda(auto:1)#2}::operator()<int>(int) const";
  CHECK(abridge(generic) == "app::handle(int)::{lambda(auto:1)#2}");
  CHECK(abridge(generic + "::{lambda()#1}::operator()() const") ==
        "app::handle(int)::{lambda(auto:1)#2}::{lambda()#1}");
  CHECK(abridge("auto app::handle(int)::$_1::operator()<int>(int) const::{lambda()#1}::operator()() const") ==
        "app::handle(int)::{lambda}::{lambda()#1}");
  CHECK(abridge("main::$_0::operator()(int) const") == "main::{lambda}");
  CHECK(abridge("auto app::handle(int)::(anonymous class)::operator()(int)::(anonymous class)::operator()() const") ==
        "app::handle(int)::{lambda}::{lambda}");
  CHECK(abridge("app::handle(int)::<lambda(auto:3)>::<lambda()>") == "app::handle(int)::<lambda(auto:3)>::<lambda()>");
  CHECK(abridge("app::call<main::{lambda()#1}>(main::{lambda()#1}&)") ==
        "app::call<main::{lambda()#1}>(main::{lambda()#1}&)");
  CHECK(abridge("app::Call::operator()(int) const") == "app::Call::operator()(int) const");
}

TEST_CASE("a name of a mebibyte is abridged like any other") {
  constexpr std::size_t size = std::size_t{1} << 20U;
  for (const std::string_view part :
       {"a", "(", "<", "<a>", "()", "decltype", "{anonymous}::", "(anonymous namespace)::", "operator",
        "f(int)::", "std::__cxx11::", "{lambda(", "{lambda()#1}::operator()", "$_0::", "::_Z1f.Frame*)", " [clone .a]",
        "\xc3\xa4", "\xff", " "}) {
    CAPTURE(part);
    std::string name;
    while (name.size() < size) name += part;
    CHECK(abridge(name).size() < 200);
    CHECK((is_user_function(name) || !is_user_function(name)));
  }
}

TEST_CASE("symbols that are no mangled names stay what they are") {
  using leash::track::detail::demangle;
  CHECK(demangle(nullptr).empty());
  CHECK(demangle("_ZN3app4sendEi") == "app::send(int)");
  CHECK(demangle("_Z1fIXIX") == "f<…>");
  for (const std::string_view symbol : {"", "main", "_Z", "_Z\xff", "_ZN", "_ZN99999999999999999999a", "_ZS"}) {
    CHECK(demangle(std::string(symbol).c_str()) == symbol);
  }
  for (const std::string_view part : {"P", "N1a", "I", "1aI", "S_", "St", "T_", "X", "\x01"}) {
    CAPTURE(part);
    std::string symbol = "_Z1f";
    while (symbol.size() < std::size_t{1} << 20U) symbol += part;
    CHECK_FALSE(demangle(symbol.c_str()).empty());
  }
}

TEST_CASE("broken names do no harm") {
  for (const std::string_view name : {"",
                                      "(",
                                      ")",
                                      "<<<<",
                                      "a(b",
                                      "operator",
                                      "f()::",
                                      "{lambda(",
                                      "->",
                                      " ",
                                      "a ",
                                      "((((((((",
                                      "\xff\xfe",
                                      "a<b>::c(d)::e<f",
                                      "{lambda()#1}::operator()",
                                      "{lambda()#1}::operator()<",
                                      "$_",
                                      "::_Z.Frame*)",
                                      " [clone .]",
                                      "operator()(",
                                      "[with ",
                                      " [with "}) {
    CAPTURE(name);
    CHECK(abridge(name).size() <= name.size() + 8);
    CHECK((is_user_function(name) || !is_user_function(name)));
  }
}
