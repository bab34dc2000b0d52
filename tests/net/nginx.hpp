#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <fstream>
#include <string>
#include <string_view>

#include "http.hpp"
#include "real_server.hpp"

/// nginx. Its files are `/small` and `/big`; `/slow` is the latter, at 1 KiB/s. `/end` closes the connection, and
/// `/reset` resets it.
class Nginx : public RealServer {
 public:
  static constexpr std::string_view program = "nginx";
  static constexpr const char* variable = "LEASH_NGINX";
  static constexpr std::size_t big_size = std::size_t{8} << 20U;

  explicit Nginx(const std::string& file) : RealServer(SO_REUSEPORT) {
    std::ofstream(directory() / "small") << "small\n";
    std::ofstream(directory() / "big", std::ios::binary) << patterned(big_size);
    std::ofstream(directory() / "nginx.conf") << configuration();
    // It listens when it says how it waits.
    start({file, "-p", directory().path(), "-c", directory() / "nginx.conf"}, "event method");
  }

 private:
  std::string configuration() const {
    const std::string& folder = directory().path();
    std::string text = "daemon off;\nmaster_process off;\nerror_log stderr notice;\npid " + folder + "/pid;\n" +
                       "events {}\nhttp {\n  access_log off;\n";
    for (const std::string use : {"client_body", "proxy", "fastcgi", "uwsgi", "scgi"}) {
      text += "  " + use + "_temp_path " + folder + "/" + use + ";\n";
    }
    return text + "  server {\n    listen " + address() + " reuseport;\n    listen unix:" + path() + ";\n    root " +
           folder + ";\n" + "    location = /slow { alias " + folder + "/big; limit_rate 1k; }\n" +
           "    location = /end { return 444; }\n" +
           "    location = /reset { reset_timedout_connection on; return 444; }\n  }\n}\n";
  }
};

/// The request of a file. `more` are header fields.
inline std::string get(std::string_view target, std::string_view more = {}) {
  return "GET " + std::string(target) + " HTTP/1.1\r\nHost: nginx.test\r\n" + std::string(more) + "\r\n";
}

/// What asks for the end of the connection.
inline constexpr std::string_view close_field = "Connection: close\r\n";
