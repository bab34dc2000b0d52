// Coroutines and asynchronous operations: what goes on after the call that started it has a Context of its own.

#include <algorithm>
#include <asio/async_result.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/io_context.hpp>
#include <asio/post.hpp>
#include <asio/use_awaitable.hpp>
#include <cstddef>
#include <expected>
#include <iostream>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/net/asio.hpp>
#include <leash/track/tracker.hpp>
#include <string>
#include <utility>

namespace {

using leash::Call;
using leash::Context;
using leash::Result;
using leash::fs::FileSystem;

std::ptrdiff_t rows(const std::string& text) { return std::ranges::count(text, '\n'); }

// snippet: coroutine
asio::awaitable<Result<std::ptrdiff_t>> count_rows(Context ctx, FileSystem& files, std::string path) {
  co_await asio::post(asio::use_awaitable);  // When this goes on, the call that started it may be over.
  const auto text = leash::fs::read_file(ctx, files, path);
  if (!text) co_return std::unexpected(text.error());
  co_return rows(*text);
}
// end snippet

// snippet: operation
/// Counts the rows of a file in a handler of `loop`, and completes with `void(Result<std::ptrdiff_t>)`.
template <class CompletionToken>
auto async_count_rows(Call call, asio::io_context& loop, FileSystem& files, std::string path, CompletionToken&& token) {
  auto initiate = [&loop, &files, ctx = call.context(), site = call.site()](auto handler, std::string name) {
    asio::post(loop, [&files, ctx, site, name = std::move(name), handler = std::move(handler)]() mutable {
      const auto text = leash::fs::read_file(Call(ctx, site), files, name);
      using Rows = Result<std::ptrdiff_t>;
      std::move(handler)(text ? Rows(rows(*text)) : Rows(std::unexpected(text.error())));
    });
  };
  return asio::async_initiate<CompletionToken, void(Result<std::ptrdiff_t>)>(std::move(initiate), token,
                                                                             std::move(path));
}
// end snippet

void print(const Result<std::ptrdiff_t>& counted) {
  if (counted) {
    std::cout << *counted << " rows\n";
  } else {
    std::cout << counted.error() << "\n";
  }
}

// The parameters are copied into the frame of the coroutine; a reference would refer to what may be gone.
asio::awaitable<void> count_all(Context ctx, asio::io_context& loop, FileSystem& files) {
  print(co_await count_rows(ctx.with_note("count a.csv"), files, "a.csv"));
  print(co_await async_count_rows(ctx.with_note("count b.csv"), loop, files, "b.csv", asio::use_awaitable));
  print(co_await async_count_rows(ctx, loop, files, "missing.csv", asio::use_awaitable));
}

}  // namespace

int main() {
  leash::fs::MemoryFS memory{{"a.csv", "a,b\n1,2\n"}, {"b.csv", "a,b\n1,2\n3,4\n"}};
  leash::fs::TrackedFS files(memory);
  auto [tracker, ctx] = leash::track::with_tracker(Context::background());

  asio::io_context loop;
  asio::co_spawn(loop, count_all(ctx, loop, files), asio::detached);
  loop.run();
  std::cout << tracker.close() << "\n";
  return 0;
}
