#include <algorithm>
#include <array>
#include <leash/net/conformance/checks.hpp>
#include <leash/net/conformance/task.hpp>
#include <leash/net/conformance/transfers.hpp>
#include <leash/net/conformance/works.hpp>
#include <span>
#include <string>
#include <vector>

namespace LEASH_NAMESPACE::net::conformance {
namespace {

std::span<std::byte> bytes_of(std::string& text) { return std::as_writable_bytes(std::span(text)); }
std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

/// How often each byte is there.
std::array<std::size_t, 256> counted(std::string_view text) {
  std::array<std::size_t, 256> counts{};
  for (const char byte : text) ++counts.at(static_cast<unsigned char>(byte));
  return counts;
}

void transfer(Trial& t) {
  const auto [here, there] = t.ends();
  const std::string_view sent = t.plenty().substr(0, std::size_t{1} << 20U);
  auto writer = t.start([&t, &here, sent] {
    for (std::size_t start = 0; start < sent.size(); start += 1024) {
      t.must(here.write(sent.substr(start, 1024)), "a write of 1 KiB");
    }
    t.must(here.close(), "close");
  });
  t.expect_text(t.must(read_all(there), "reading to the end"), sent, "reading to the end");
  writer.get();
  expect_end(t, read_some(there), "a read at the end");
}

void ping_pong(Trial& t) {
  const auto [here, there] = t.ends();
  auto peer = t.start([&t, &there] {
    for (;;) {
      const std::string text = t.must(read_up_to(there, 4), "the peer's read");
      if (text.empty()) return;
      t.must(there.write(text), "the peer's write");
    }
  });
  for (int i = 1000; i < 2000; ++i) {
    const std::string text = std::to_string(i);
    t.must(here.write(text), "a write");
    const std::string back = t.must(read_up_to(here, 4), "a read");
    if (back != text) t.abandon("the peer's answer to be " + text, "it is " + back);
  }
  t.must(here.close(), "close");
  peer.get();
}

void full_duplex(Trial& t) {
  const auto [here, there] = t.ends();
  const std::string_view sent = t.plenty();
  auto writer = t.start([&here, sent] { return here.write(sent); });
  auto peer_writer = t.start([&there, sent] { return there.write(sent); });
  auto peer_reader = t.start([&there, sent] { return read_up_to(there, sent.size()); });
  t.expect_text(t.must(read_up_to(here, sent.size()), "reading while writing"), sent, "reading while writing");
  t.expect_text(t.must(peer_reader.get(), "the peer's reading while writing"), sent, "the peer's reading");
  t.must(writer.get(), "writing while reading");
  t.must(peer_writer.get(), "the peer's writing while reading");
}

void concurrent_writes(Trial& t) {
  const auto [here, there] = t.ends();
  const std::size_t size = std::max<std::size_t>(t.plenty().size() / 64, 1024);
  std::vector<Task<Result<void>>> writers;
  for (const char c : {'a', 'b', 'c'}) {
    writers.push_back(t.start([&here, size, c] { return here.write(std::string(size, c)); }));
  }
  for (std::size_t i = 0; i < writers.size(); ++i) {
    const std::string text = t.must(read_up_to(there, size), "a read");
    t.expect(text.size() == size && text.find_first_not_of(text.front()) == std::string::npos,
             "a write to wait for another one", "their bytes are mixed");
  }
  for (auto& writer : writers) t.must(writer.get(), "one of several writes at once");
}

void concurrent_reads(Trial& t) {
  const auto [here, there] = t.ends();
  const std::string_view sent = t.plenty().substr(0, std::size_t{256} * 1024);
  std::vector<Task<Result<std::string>>> readers;
  for (int i = 0; i < 3; ++i) readers.push_back(t.start([&here] { return read_all(here); }));
  t.must(there.write(sent), "the peer's write");
  t.must(there.close(), "the peer's close");
  std::string got;
  for (auto& reader : readers) got += t.must(reader.get(), "one of several reads at once");
  // Whose bytes are whose, nobody knows; but each was read once.
  t.expect(counted(got) == counted(sent), "several reads at once to read each byte once",
           "they read " + std::to_string(got.size()) + " bytes of " + std::to_string(sent.size()) + ", or other ones");
}

void racing_reads(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&there] {
    while (there.write(std::string(512, 'x'))) {
    }
  });
  std::vector<Task<void>> readers;
  for (int i = 0; i < 6; ++i) {
    readers.push_back(t.start([&t, &here] {
      std::string buffer(1024, '\0');
      for (int j = 0; j < 10; ++j) {
        t.must(here.set_read_deadline(t.after(std::chrono::milliseconds(1))), "set_read_deadline");
        const Result<std::size_t> count = here.read(bytes_of(buffer));
        if (!count) {
          t.must_fail(count, timed_out, "a read that races with others");
        } else {
          const std::string_view got = std::string_view(buffer).substr(0, std::min(*count, buffer.size()));
          t.expect(!got.empty() && got.find_first_not_of('x') == std::string_view::npos,
                   "a read that races with others to read what was written", "it read something else");
        }
        buffer.assign(1024, '\1');
      }
    }));
  }
  for (auto& reader : readers) reader.get();
  t.must(here.close(), "close");
  writer.get();
}

void racing_writes(Trial& t) {
  const auto [here, there] = t.ends();
  auto reader = t.start([&t, &there] {
    for (;;) {
      const Result<std::string> text = read_some(there);
      if (!text || text->empty()) return;
      t.expect(text->find_first_not_of('y') == std::string::npos, "writes that race to send what was passed to them",
               "the peer read what the buffer held after the write");
    }
  });
  std::vector<Task<void>> writers;
  for (int i = 0; i < 6; ++i) {
    writers.push_back(t.start([&t, &here] {
      for (int j = 0; j < 10; ++j) {
        std::string buffer(std::size_t{256} * 1024, 'y');
        t.must(here.set_write_deadline(t.after(std::chrono::milliseconds(1))), "set_write_deadline");
        const Result<void> written = here.write(buffer);
        std::ranges::fill(buffer, 'z');
        if (!written) t.must_fail(written, timed_out, "a write that races with others");
      }
    }));
  }
  for (auto& writer : writers) writer.get();
  t.must(here.close(), "close");
  reader.get();
}

void read_buffer_free_after_timeout(Trial& t) {
  const auto [here, there] = t.ends();
  std::string buffer(64, '\0');
  t.must(here.set_read_deadline(t.after(std::chrono::milliseconds(5))), "set_read_deadline");
  t.must_fail(here.read(bytes_of(buffer)), timed_out, "a read without data");
  std::ranges::fill(buffer, 'k');
  t.must(here.set_read_deadline(std::nullopt), "set_read_deadline to none");
  expect_transfer(t, there, here, "late", "after a timeout");
  t.expect(buffer.find_first_not_of('k') == std::string::npos, "a read that timed out to leave its buffer alone",
           "it wrote to it later");
}

void write_buffer_free_after_timeout(Trial& t) {
  const auto [here, there] = t.ends();
  std::string buffer(t.plenty());
  auto writer = t.start([&here, &buffer] { return here.write(buffer); });
  writer.must_wait("a write that nobody reads");
  t.must(here.set_write_deadline(t.past()), "set_write_deadline");
  t.must_fail(writer.get(), timed_out, "a write that nobody reads");
  std::ranges::fill(buffer, '\0');
  t.must(here.set_write_deadline(std::nullopt), "set_write_deadline to none");
  t.must(here.close(), "close");
  const std::string got = t.must(read_all(there), "the peer's reading");
  t.expect(t.plenty().starts_with(got), "a write that timed out to have sent a beginning of what was passed to it",
           "the peer read something else");
}

void read_waits(Trial& t) {
  const auto [here, there] = t.ends();
  auto reader = t.start([&here] { return read_some(here); });
  reader.must_wait("a read without data");
  t.must(there.write("x"), "the peer's write");
  t.expect_text(t.must(reader.get(), "a read that waits"), "x", "a read that waits");
}

void read_does_not_wait_to_fill(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&there] { return there.write("abc"); });
  std::string got;
  while (got.size() < 3) {
    // A read of at most 1 KiB.
    const std::string more = t.must(read_some(here), "a read into a buffer that is larger than what there is");
    if (more.empty()) t.abandon("a read of an open stream to give bytes", "it gave none");
    got += more;
  }
  t.expect_text(got, "abc", "reads into a buffer that is larger than what there is");
  t.must(writer.get(), "the peer's write");
}

void read_keeps_the_rest(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&there] { return there.write("abcdefg"); });
  std::string got;
  for (int i = 0; i < 7; ++i) {
    std::string buffer(2, '\0');
    const std::size_t count = t.must(here.read(bytes_of(buffer).first(i % 2 == 0 ? 1U : 2U)), "a small read");
    if (count > buffer.size()) t.abandon("a read to give no more than its buffer holds", "it gave more");
    got.append(buffer, 0, count);
    if (got.size() >= 7) break;
  }
  t.expect_text(got, "abcdefg", "several small reads");
  t.must(writer.get(), "the peer's write");
}

void empty_read(Trial& t) {
  const auto [here, there] = t.ends();
  const std::size_t count = t.must(here.read({}), "a read into an empty buffer");
  t.expect(count == 0, "a read into an empty buffer to give 0", "it gave " + std::to_string(count));
  auto writer = t.start([&there] { return there.write("xy"); });
  t.expect_text(t.must(read_up_to(here, 1), "a read"), "x", "a read after one into an empty buffer");
  t.must(here.read({}), "a read into an empty buffer");
  t.expect_text(t.must(read_up_to(here, 1), "a read"), "y", "a read after one into an empty buffer");
  t.must(writer.get(), "the peer's write");
}

void empty_write(Trial& t) {
  const auto [here, there] = t.ends();
  t.must(here.write(""), "a write of nothing");
  expect_transfer(t, here, there, "x", "after a write of nothing");
}

void write_waits(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&here, sent = t.plenty()] { return here.write(sent); });
  writer.must_wait("a write that nobody reads");
  t.expect_text(t.must(read_up_to(there, t.plenty().size()), "the peer's reading"), t.plenty(), "the peer's reading");
  t.must(writer.get(), "a write of more than the buffers hold");
}

void readv_in_order(Trial& t) {
  const auto [here, there] = t.ends();
  auto writer = t.start([&there] { return there.write("abcdefgh"); });
  std::string first(3, '\0');
  std::string second(2, '\0');
  const std::array<std::span<std::byte>, 4> buffers{std::span<std::byte>(), bytes_of(first), std::span<std::byte>(),
                                                    bytes_of(second)};
  const std::size_t count = t.must(here.readv(buffers), "readv");
  t.expect(count >= 1 && count <= 5, "readv to give 1 to 5 bytes", "it gave " + std::to_string(count));
  const std::string got = (first + second).substr(0, std::min<std::size_t>(count, 5));
  t.expect_text(got + t.must(read_up_to(here, 8 - got.size()), "a read after readv"), "abcdefgh", "readv and read");
  t.must(writer.get(), "the peer's write");
  t.expect(t.must(here.readv({}), "readv into nothing") == 0, "readv into nothing to give 0", "it gave more");
}

void readv_waits_and_ends(Trial& t) {
  const auto [here, there] = t.ends();
  std::string buffer(4, '\0');
  auto reader = t.start([&here, &buffer] {
    const std::array<std::span<std::byte>, 1> buffers{bytes_of(buffer)};
    return here.readv(buffers);
  });
  reader.must_wait("readv without data");
  t.must(there.close(), "the peer's close");
  const std::size_t count = t.must(reader.get(), "readv at the end");
  t.expect(count == 0, "readv at the end to give 0", "it gave " + std::to_string(count));
}

void writev_in_order(Trial& t) {
  const auto [here, there] = t.ends();
  const std::string_view all = t.plenty();
  auto reader = t.start([&there, size = all.size()] { return read_up_to(there, size); });
  std::vector<std::span<const std::byte>> pieces;
  // More pieces than writev(2) takes at once, and then the rest, for which it has to wait.
  std::size_t start = 0;
  for (std::size_t size = 0; pieces.size() < 1500 && start + size < all.size(); size = (size + 1) % 7) {
    pieces.push_back(bytes_of(all.substr(start, size)));
    start += size;
  }
  pieces.push_back(bytes_of(all.substr(start)));
  t.must(here.writev(pieces), "writev");
  t.expect_text(t.must(reader.get(), "the peer's reading"), all, "the peer's reading of what writev wrote");
  t.must(here.writev({}), "writev of nothing");
}

void vectored_timeouts(Trial& t) {
  const auto [here, there] = t.ends();
  std::string buffer(4, '\0');
  const std::array<std::span<std::byte>, 1> buffers{bytes_of(buffer)};
  const std::array<std::span<const std::byte>, 1> pieces{bytes_of(std::string_view("lost"))};
  t.must(here.set_deadline(t.past()), "set_deadline");
  t.must_fail(here.readv(buffers), timed_out, "readv after its deadline");
  t.must_fail(here.writev(pieces), timed_out, "writev after its deadline");
  t.must(here.set_deadline(std::nullopt), "set_deadline to none");
  expect_transfer(t, here, there, "x", "after writev timed out");
}

void write_count(Trial& t) {
  const auto [here, there] = t.ends();
  const std::string all = " of " + std::to_string(t.plenty().size()) + " bytes written";
  auto writer = t.start([&here, sent = t.plenty()] { return here.write(sent); });
  const std::size_t first = t.must(read_up_to(there, 1000), "the peer's read").size();
  writer.must_wait("a write that nobody reads");
  t.must(here.set_write_deadline(t.past()), "set_write_deadline");
  const Error error = t.error_of(writer.get(), timed_out, "a write that nobody reads");
  const Error second = t.error_of(here.write("lost"), timed_out, "a write after its deadline");
  t.expect(second.detail() == "0 of 4 bytes written", "the detail \"0 of 4 bytes written\"",
           "it is \"" + std::string(second.detail()) + "\"");
  t.must(here.close(), "close");
  const std::size_t count = first + t.must(read_all(there), "the peer's reading").size();
  const std::string arrived = std::to_string(count);
  t.expect(error.detail() == arrived + all, "the detail \"" + arrived + all + "\", as many as arrived",
           "it is \"" + std::string(error.detail()) + "\"");
  t.expect(error.transferred() == count, "an Error that has transferred " + arrived + " bytes, as many as arrived",
           "it has " + std::to_string(error.transferred()));
}

}  // namespace

std::vector<Check> transfer_checks() {
  return {
      {"transfer", transfer},
      {"ping-pong", ping_pong},
      {"full-duplex", full_duplex},
      {"concurrent-writes", concurrent_writes},
      {"concurrent-reads", concurrent_reads},
      {"racing-reads", racing_reads},
      {"racing-writes", racing_writes},
      {"read-buffer-free-after-timeout", read_buffer_free_after_timeout},
      {"write-buffer-free-after-timeout", write_buffer_free_after_timeout},
      {"read-waits", read_waits},
      {"read-does-not-wait-to-fill", read_does_not_wait_to_fill},
      {"read-keeps-the-rest", read_keeps_the_rest},
      {"empty-read", empty_read},
      {"empty-write", empty_write},
      {"write-waits", write_waits},
      {"write-count", write_count},
      {"readv-in-order", readv_in_order},
      {"readv-waits-and-ends", readv_waits_and_ends},
      {"writev-in-order", writev_in_order},
      {"vectored-timeouts", vectored_timeouts},
  };
}

}  // namespace LEASH_NAMESPACE::net::conformance
