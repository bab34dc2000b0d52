#pragma once

#include <cstddef>
#include <leash/net/binder.hpp>
#include <leash/net/dialer.hpp>
#include <memory>
#include <optional>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

/// What the innermost object was asked to do, with the line of the site.
using Log = std::vector<std::string>;

inline std::string entry(std::string_view operation, std::source_location site) {
  return std::string(operation) + " " + std::to_string(site.line());
}

class RecordingConn final : public leash::net::Conn {
 public:
  explicit RecordingConn(Log& log) : log_(log) {}

 private:
  leash::Result<std::size_t> do_read(std::span<std::byte> buffer, std::source_location site) override {
    log_.push_back(entry("read", site));
    return buffer.size();
  }
  leash::Result<void> do_write(std::span<const std::byte> data, std::source_location site) override {
    log_.push_back(entry("write " + std::to_string(data.size()), site));
    return {};
  }
  leash::Result<std::size_t> do_readv(std::span<const std::span<std::byte>> buffers,
                                      std::source_location site) override {
    log_.push_back(entry("readv " + std::to_string(buffers.size()), site));
    return 5;
  }
  leash::Result<void> do_writev(std::span<const std::span<const std::byte>> data, std::source_location site) override {
    log_.push_back(entry("writev " + std::to_string(data.size()), site));
    return {};
  }
  void do_note(std::string_view text, std::source_location site) override {
    log_.push_back(entry("note " + std::string(text), site));
  }
  leash::Result<void> do_close_write(std::source_location site) override {
    log_.push_back(entry("close_write", site));
    return {};
  }
  leash::Result<void> do_close(std::source_location site) override {
    log_.push_back(entry("close", site));
    return {};
  }
  leash::Result<void> do_reset(std::source_location site) override {
    log_.push_back(entry("reset", site));
    return {};
  }
  leash::Result<void> do_set_deadline(leash::net::Direction direction, std::optional<leash::Clock::time_point> deadline,
                                      std::source_location site) override {
    log_.push_back(
        entry("set_deadline " + std::to_string(static_cast<int>(direction)) + (deadline ? " some" : " none"), site));
    return {};
  }
  leash::net::Address do_local_address() const override {
    log_.emplace_back("local_address");
    return {"tcp", "local", 1};
  }
  leash::net::Address do_remote_address() const override {
    log_.emplace_back("remote_address");
    return {"tcp", "remote", 2};
  }
  leash::Result<leash::net::PeerCredentials> do_peer_credentials() const override {
    log_.emplace_back("peer_credentials");
    return leash::net::PeerCredentials{.pid = 7, .uid = 8, .gid = 9};
  }
  int do_native_handle() const noexcept override {
    log_.emplace_back("native_handle");
    return 42;
  }
  leash::Result<int> do_release(std::source_location site) override {
    log_.push_back(entry("release", site));
    return 43;
  }

  Log& log_;
};

class RecordingListener final : public leash::net::Listener {
 public:
  explicit RecordingListener(Log& log) : log_(log) {}

 private:
  leash::Result<std::unique_ptr<leash::net::Conn>> do_accept(leash::Call call) override {
    log_.push_back(entry("accept", call.site()));
    return std::make_unique<RecordingConn>(log_);
  }
  leash::Result<void> do_close(std::source_location site) override {
    log_.push_back(entry("close", site));
    return {};
  }
  leash::net::Address do_address() const override {
    log_.emplace_back("address");
    return {"tcp", "here", 3};
  }
  int do_native_handle() const noexcept override {
    log_.emplace_back("native_handle");
    return 44;
  }
  leash::Result<int> do_release(std::source_location site) override {
    log_.push_back(entry("release", site));
    return 45;
  }

  Log& log_;
};

class RecordingNetwork final : public leash::net::Dialer, public leash::net::Binder {
 public:
  Log log;

 private:
  leash::Result<std::unique_ptr<leash::net::Conn>> do_dial(leash::Call call, std::string_view network,
                                                           std::string_view address) override {
    log.push_back(entry("dial " + std::string(network) + " " + std::string(address), call.site()));
    return std::make_unique<RecordingConn>(log);
  }
  leash::Result<std::unique_ptr<leash::net::Listener>> do_bind(leash::Call call, std::string_view network,
                                                               std::string_view address) override {
    log.push_back(entry("bind " + std::string(network) + " " + std::string(address), call.site()));
    return std::make_unique<RecordingListener>(log);
  }
};
