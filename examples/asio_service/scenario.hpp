#pragma once

#include <asio/io_context.hpp>
#include <leash/context.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/net/async_binder.hpp>
#include <leash/net/async_dialer.hpp>
#include <leash/result.hpp>
#include <memory>
#include <string>

#include "service.hpp"

namespace service {

/// Where the service and its clients run: over TCP, or over memory.
struct Surroundings {
  asio::io_context& loop;
  leash::fs::FileSystem& files;
  leash::net::AsyncDialer& dialer;
  leash::net::AsyncBinder& binder;
};

struct Outcome {
  /// The service, which has ended. A leaky one keeps in its tables what one keeps that runs for months. Null if a
  /// server could not be bound.
  std::unique_ptr<Service> service = nullptr;
  /// What the clients were told.
  std::string answers = {};
  /// What failed.
  leash::Result<void> result = {};
};

/// Runs the service, the second server and three clients, some of whose wishes fail.
Outcome run_scenario(const leash::Context& ctx, const Surroundings& surroundings, bool leaky);

}  // namespace service
