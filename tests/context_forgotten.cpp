// Calls that forget the Context do not compile, and are told what the first argument is; others compile.

#include <chrono>
#include <leash/leash.hpp>

using leash::Context;

namespace {

template <class... Arguments>
concept opens = requires(leash::fs::FileSystem& files, Arguments... arguments) { files.open(arguments...); };

static_assert(opens<Context, const char*> && opens<leash::Call, const char*>);
static_assert(!opens<const char*> && !opens<const char*, leash::fs::OpenOptions> && !opens<Context>);

void forgotten(leash::fs::FileSystem& files, leash::fs::File& opened, leash::net::Dialer& dialer,
               leash::net::Binder& binder, leash::net::Resolver& resolver, leash::track::Tracker& tracker) {
  auto file = files.open("a");  // refused
  if (!file) return;
  static_cast<void>((*file)->close());
  auto log = files.open("a", {.write = true}).value();                                       // refused
  leash::Result<void> made = files.mkdir("a");                                               // refused
  leash::Result<void> with_mode = files.mkdir_all(std::string("a"), 0755);                   // refused
  for (const auto& entry : leash::take(files.read_dir("a"))) static_cast<void>(entry);       // refused
  if (files.rename("a", "b")) return;                                                        // refused
  auto conn = dialer.dial("tcp", "x:1");                                                     // refused
  auto conn_to_endpoint = dialer.dial(leash::net::Endpoint());                               // refused
  auto listener_at_endpoint = binder.bind(leash::net::Endpoint());                           // refused
  auto listener = binder.bind("tcp", "x:1");                                                 // refused
  auto addresses = resolver.resolve("tcp", "x");                                             // refused
  resolver.async_resolve("tcp", "x", [](const auto&) {});                                    // refused
  auto text = leash::fs::read_file(files, "x");                                              // refused
  auto found_by_argument = read_file(files, "x");                                            // refused
  auto written = leash::fs::write_file(files, "x", "text");                                  // refused
  auto atomic = leash::fs::write_file_atomic(files, "x", "text", {.sync = false});           // refused
  auto there = leash::fs::exists(files, "x");                                                // refused
  auto copied = leash::fs::copy_file(files, "x", files, "y");                                // refused
  auto directory = leash::fs::temp_dir(files, "x");                                          // refused
  auto temporary = leash::fs::temp_file(files);                                              // refused
  leash::fs::Reader reader(opened);                                                          // refused
  leash::fs::Writer writer(opened);                                                          // refused
  auto walked = leash::fs::walk(files, ".", [](auto...) { return leash::fs::WalkNext{}; });  // refused
  auto disk = leash::fs::DiskFS::open_root("/", {.links = leash::fs::Links::in_root});       // refused
  auto path = leash::fs::os_path("/");                                                       // refused
  auto slept = leash::sleep_for(std::chrono::seconds(1));                                    // refused
  const leash::track::Resource slot{{"slot", "slots"}, "of a table"};
  leash::track::Tag tag = leash::track::acquire(slot);  // refused
  auto tried = tracker.try_create(slot);                // refused
}

void right(const Context& ctx, leash::fs::FileSystem& files, leash::net::Dialer& dialer) {
  const leash::Call call = ctx;
  auto file = files.open(ctx, "a");
  auto log = files.open(call, "a", {.write = true});
  auto of_a_temporary = files.open(ctx.with_note("for one call"), std::string("a"));
  auto made = files.mkdir(ctx, "a");
  auto conn = dialer.dial({ctx}, "tcp", "x:1");
  auto conn_to_endpoint = dialer.dial(ctx, {leash::net::IpAddress::loopback_v4(), 1});
  auto text = leash::fs::read_file(ctx, files, "x");
  leash::track::Tag tag = leash::track::acquire(ctx, {{"slot", "slots"}, "of a table"});
}

}  // namespace

/// A function of the program with the name of one of leash's, which it has no Context for.
namespace app {
int read_file(leash::fs::FileSystem&, const std::string&) { return 0; }
int use(leash::fs::FileSystem& files) { return read_file(files, "x"); }
}  // namespace app
