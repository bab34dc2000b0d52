#pragma once

/// Includes everything of leash that needs no other library. The other headers are included apart: `<leash/fmt.hpp>`
/// makes leash's types printable with fmt, `<leash/net/asio.hpp>` is for programs that use Asio,
/// `<leash/stop_token.hpp>` for those that use `std::stop_token`, and `<leash/track/doctest.hpp>`,
/// `<leash/track/gtest.hpp>` and `<leash/track/catch2.hpp>` are for tests.

#include <leash/call.hpp>
#include <leash/clock.hpp>
#include <leash/config.hpp>
#include <leash/context.hpp>
#include <leash/error.hpp>
#include <leash/fs/adopt.hpp>
#include <leash/fs/disk_fs.hpp>
#include <leash/fs/errc.hpp>
#include <leash/fs/file_system.hpp>
#include <leash/fs/kinds.hpp>
#include <leash/fs/links.hpp>
#include <leash/fs/memory_fs.hpp>
#include <leash/fs/os_path.hpp>
#include <leash/fs/path.hpp>
#include <leash/fs/proxy.hpp>
#include <leash/fs/read_file.hpp>
#include <leash/fs/tracked_fs.hpp>
#include <leash/fs/walk.hpp>
#include <leash/fs/write_file.hpp>
#include <leash/function.hpp>
#include <leash/fwd.hpp>
#include <leash/make_unique.hpp>
#include <leash/net/address.hpp>
#include <leash/net/binder.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/dialer.hpp>
#include <leash/net/errc.hpp>
#include <leash/net/kinds.hpp>
#include <leash/net/listener.hpp>
#include <leash/net/memory_network.hpp>
#include <leash/net/proxy.hpp>
#include <leash/net/resolver.hpp>
#include <leash/net/tcp_binder.hpp>
#include <leash/net/tcp_dialer.hpp>
#include <leash/net/tracked_binder.hpp>
#include <leash/net/tracked_dialer.hpp>
#include <leash/notes.hpp>
#include <leash/registration.hpp>
#include <leash/result.hpp>
#include <leash/sleep.hpp>
#include <leash/track/errc.hpp>
#include <leash/track/kind.hpp>
#include <leash/track/level.hpp>
#include <leash/track/mark.hpp>
#include <leash/track/options.hpp>
#include <leash/track/report.hpp>
#include <leash/track/report/explain.hpp>
#include <leash/track/report/text.hpp>
#include <leash/track/resource.hpp>
#include <leash/track/rule.hpp>
#include <leash/track/site.hpp>
#include <leash/track/stack.hpp>
#include <leash/track/suppressions.hpp>
#include <leash/track/symbols.hpp>
#include <leash/track/tag.hpp>
#include <leash/track/tracker.hpp>
