#include <leash/net/conformance/dialled.hpp>

namespace LEASH_NAMESPACE::net::conformance {

Listener& listen(Trial& trial) { return trial.keep(trial.must(try_bind(trial, trial.options().address), "bind")); }

Conn& dial(Trial& trial, const Listener& listener, const Context& context) {
  return trial.keep(trial.must(try_dial(trial, context, to_string(listener.address())), "dial"));
}

Conn& accept(Trial& trial, Listener& listener, const Context& context) {
  return trial.keep(trial.must(listener.accept(context), "accept"));
}

Ends connect(Trial& trial, Listener& listener) {
  Conn& here = dial(trial, listener, trial.context());
  return {here, accept(trial, listener, trial.context())};
}

std::initializer_list<std::errc> nobody_listens(const Trial& trial) {
  static constexpr std::initializer_list<std::errc> at_path{std::errc::no_such_file_or_directory,
                                                            std::errc::connection_refused};
  static constexpr std::initializer_list<std::errc> at_port{std::errc::connection_refused};
  return trial.options().network == "unix" ? at_path : at_port;
}

Result<std::unique_ptr<Conn>> try_dial(const Trial& trial, const Context& context, const std::string& address) {
  return trial.dialer().dial(context, trial.options().network, address);
}

Result<std::unique_ptr<Listener>> try_bind(const Trial& trial, const std::string& address) {
  return trial.binder().bind(trial.context(), trial.options().network, address);
}

}  // namespace LEASH_NAMESPACE::net::conformance
