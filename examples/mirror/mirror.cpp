#include "mirror.hpp"

#include <algorithm>
#include <atomic>
#include <leash/fs/read_file.hpp>
#include <leash/fs/walk.hpp>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>

namespace mirror {

using leash::Context;
using leash::Result;
using leash::fs::FileSystem;
using leash::fs::FileType;

constexpr int senders = 4;

/// The work that the sending threads share.
class Sending {
 public:
  Sending(const Context& context, Client& client, const Listing& listing,
          const std::function<void(std::size_t)>& progress)
      : context_(context), client_(client), files_(listing.files), progress_(progress) {}

  void run() {
    for (;;) {
      const std::size_t index = next_++;
      if (index >= files_.size() || failed_) return;
      const std::string& path = files_[index];
      Result<Delivery> sent = client_.send_file(context_.with_note("send " + path), path);
      const std::lock_guard lock(mutex_);
      add(path, std::move(sent));
      if (progress_) progress_(++done_);
    }
  }

  Summary summary() && {
    std::ranges::sort(summary_.stored);
    return std::move(summary_);
  }

 private:
  void add(const std::string& path, Result<Delivery> sent) {
    if (!sent) {
      failed_ = true;
      if (!summary_.failure) summary_.failure = sent.error();
      return;
    }
    summary_.bytes += sent->bytes;
    if (sent->outcome == Outcome::stored) summary_.stored.push_back(path);
    if (sent->outcome == Outcome::refused) ++summary_.refused;
    if (sent->outcome == Outcome::unreadable && sent->why) summary_.unreadable.push_back(*sent->why);
  }

  const Context& context_;
  Client& client_;
  const std::vector<std::string>& files_;
  const std::function<void(std::size_t)>& progress_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  std::size_t done_ = 0;
  Summary summary_;
};

Result<Listing> list(const Context& context, FileSystem& files) {
  Listing listing;
  const auto visit = [&](std::string_view path, const leash::fs::DirEntry& entry,
                         const std::optional<leash::Error>& error) {
    if (error) {
      listing.errors.push_back(*error);
    } else if (entry.type == FileType::directory) {
      ++listing.folders;
    } else if (entry.type == FileType::regular) {
      listing.files.emplace_back(path);
    } else {
      ++listing.others;
    }
    return leash::fs::WalkNext::go_on;
  };
  const Result<void> walked = leash::fs::walk(context, files, ".", visit);
  if (!walked) return std::unexpected(walked.error());
  return listing;
}

Summary send_all(const Context& context, Client& client, const Listing& listing,
                 const std::function<void(std::size_t)>& progress) {
  const leash::Registration on_cancel = context.on_cancel([&] { client.stop(); });
  Sending sending(context, client, listing, progress);
  {
    std::vector<std::jthread> threads;
    for (int sender = 0; sender < senders; ++sender) threads.emplace_back([&] { sending.run(); });
  }
  return std::move(sending).summary();
}

Result<std::optional<std::string>> first_difference(const Context& context, FileSystem& a, FileSystem& b,
                                                    const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const Result<std::string> in_a = leash::fs::read_file(context, a, path);
    if (!in_a) return std::unexpected(in_a.error());
    const Result<std::string> in_b = leash::fs::read_file(context, b, path);
    if (!in_b) return std::unexpected(in_b.error());
    if (*in_a != *in_b) return path;
  }
  return std::nullopt;
}

}  // namespace mirror
