#pragma once

#include <leash/call.hpp>
#include <leash/config.hpp>
#include <leash/net/conn.hpp>
#include <leash/net/listener.hpp>
#include <leash/result.hpp>
#include <memory>

namespace LEASH_NAMESPACE::net {

/// Takes over the descriptor of a connected stream socket of TCP or of the network "unix", which other code has made.
/// It is now non-blocking and closes on exec; its other options stay. Its deadlines go by the clock of the Context.
///
/// The Conn owns the descriptor, and is tracked, if the Context has a tracker, as a `TrackedDialer` would track it.
/// Nobody else may close the descriptor then, and no other handle of leash may own it.
///
/// After an error, and if it throws `std::bad_alloc`, the descriptor is the caller's as before. Errors:
/// `bad_file_descriptor`; `not_a_socket`; `invalid_argument` for a socket of another kind; `not_connected`;
/// `operation_canceled` or `timed_out` when the Context is done; `track::errc::tracker_closed`.
[[nodiscard]] Result<std::unique_ptr<Conn>> adopt(Call call, int descriptor);

/// Takes over the descriptor of a listening stream socket of TCP or of the network "unix", which other code has made:
/// one that systemd passes to a service (sd_listen_fds(3)), or an older process to the one that replaces it. It is now
/// non-blocking and closes on exec; its other options stay, and what it accepts has them, too. A path of "unix" stays
/// when the Listener is closed: who has made it removes it.
///
/// The Listener owns the descriptor. It is tracked as a `TrackedBinder` would track it, and so is what it accepts: by
/// the tracker of the Context, if it has one. Nobody else may close the descriptor then, and no other handle of leash
/// may own it.
///
/// After an error, and if it throws `std::bad_alloc`, the descriptor is the caller's as before. Errors:
/// `bad_file_descriptor`; `not_a_socket`; `invalid_argument` for a socket of another kind, and for one that does not
/// listen; `operation_canceled` or `timed_out` when the Context is done; `track::errc::tracker_closed`.
[[nodiscard]] Result<std::unique_ptr<Listener>> adopt_listener(Call call, int descriptor);

// What a call without a Context is told.
Result<std::unique_ptr<Conn>> adopt(NoContext);
Result<std::unique_ptr<Listener>> adopt_listener(NoContext);

}  // namespace LEASH_NAMESPACE::net
