#pragma once

#include <algorithm>
#include <array>
#include <leash/config.hpp>
#include <leash/fault/fault.hpp>
#include <leash/fault/point.hpp>
#include <leash/fault/rule.hpp>
#include <string>
#include <string_view>

namespace LEASH_NAMESPACE::interpose {

/// The operations that a rule of LEASH_FAULTS may name here.
inline constexpr std::array<std::string_view, 18> fault_operations{
    "accept",  "bind", "close",   "connect", "dup",   "epoll_create", "eventfd", "inotify_init", "memfd_create",
    "mkstemp", "open", "opendir", "pipe",    "popen", "signalfd",     "socket",  "socketpair",   "timerfd_create"};

/// Why a rule cannot be carried out on calls of the C library: empty if it can.
inline std::string why_not(const fault::Rule& rule) {
  if (rule.fault.effect != fault::Effect::fail && rule.fault.effect != fault::Effect::delay) {
    return "here a call can only fail, or be delayed";
  }
  if (!rule.file.empty()) return "the line of a call is not known here";
  if (rule.offset) return "calls that read and write are not seen here";
  fault::Rule any_subject = rule;
  any_subject.subject = "*";
  const auto names = [&](std::string_view operation) {
    return any_subject.fits({.operation = operation, .subject = {}});
  };
  if (!std::ranges::any_of(fault_operations, names)) return "there is no such operation here";
  return {};
}

}  // namespace LEASH_NAMESPACE::interpose
