#pragma once

#include <leash/config.hpp>
#include <leash/track/kind.hpp>

namespace LEASH_NAMESPACE::interpose::kinds {

/// What a descriptor is, by the function of the C library that has made it.
inline constexpr track::Kind file{"file", "files"};
inline constexpr track::Kind directory{"directory", "directories"};
inline constexpr track::Kind stream{"stream", "streams"};
inline constexpr track::Kind socket{"socket", "sockets"};
inline constexpr track::Kind connection{"connection", "connections"};
inline constexpr track::Kind pipe_end{"end of a pipe", "ends of pipes"};
inline constexpr track::Kind duplicate{"duplicate", "duplicates"};
inline constexpr track::Kind event{"eventfd", "eventfds"};
inline constexpr track::Kind timer{"timerfd", "timerfds"};
inline constexpr track::Kind signal{"signalfd", "signalfds"};
inline constexpr track::Kind epoll{"epoll", "epolls"};
inline constexpr track::Kind inotify{"inotify", "inotifies"};
inline constexpr track::Kind memory{"memory file", "memory files"};
inline constexpr track::Kind received{"received descriptor", "received descriptors"};

}  // namespace LEASH_NAMESPACE::interpose::kinds
