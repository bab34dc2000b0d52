# shellcheck shell=bash
# What the scripts share: messages, packages, the toolchain. To be sourced.

say() {
  printf '\n== %s\n' "$*"
}

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# compile ARGUMENT...: runs the compiler that CMake would choose.
compile() {
  local -a compiler
  read -r -a compiler <<<"${CXX:-c++}"
  "${compiler[@]}" "$@"
}

has_command() {
  command -v "$1" >/dev/null
}

has_header() {
  printf '#include <%s>\n' "$1" | compile -std=c++20 -E -x c++ - >/dev/null 2>&1
}

# is_installed PACKAGE: whether the package is installed, or what it would bring is there without it.
is_installed() {
  if has_command dpkg-query &&
    [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]; then
    return 0
  fi
  case "$1" in
    g++) compile --version >/dev/null 2>&1 ;;
    ninja-build) has_command ninja ;;
    libfmt-dev) has_header fmt/core.h ;;
    libasio-dev) has_header asio.hpp ;;
    doctest-dev) has_header doctest/doctest.h ;;
    libgtest-dev) has_header gtest/gtest.h ;;
    catch2) has_header catch2/catch_test_macros.hpp || has_header catch2/catch.hpp ;;
    libarchive-dev) has_header archive.h ;;
    nlohmann-json3-dev) has_header nlohmann/json.hpp ;;
    libprotozero-dev) has_header protozero/pbf_writer.hpp ;;
    zlib1g-dev) has_header zlib.h ;;
    python3-jsonschema) python3 -c 'import jsonschema' 2>/dev/null ;;
    python3-junitparser) python3 -c 'import junitparser' 2>/dev/null ;;
    libbenchmark-dev) has_header benchmark/benchmark.h ;;
    libleveldb-dev) has_header leveldb/env.h ;;
    libmbedtls-dev) has_header mbedtls/ssl.h ;;
    libsqlite3-dev) has_header sqlite3.h ;;
    libxml2-dev) has_header libxml2/libxml/xmlreader.h ;;
    libboost-stacktrace-dev) has_header boost/stacktrace/safe_dump_to.hpp ;;
    libunwind-dev) has_header libunwind.h ;;
    librocksdb-dev) has_header rocksdb/env.h ;;
    llvm-14-dev) [[ -e /usr/lib/llvm-14/include/llvm/Support/VirtualFileSystem.h ]] ;;
    golang-go) has_command go ;;
    iproute2) PATH=$PATH:/usr/sbin:/sbin has_command ip ;;
    clang-19) has_command clang++-19 ;;
    *) has_command "$1" ;;
  esac
}

missing_packages() {
  local package
  for package in "$@"; do
    is_installed "$package" || printf '%s\n' "$package"
  done
}

can_install() {
  has_command apt-get && has_command dpkg-query && { ((EUID == 0)) || has_command sudo; }
}

as_root() {
  if ((EUID == 0)); then
    "$@"
  else
    sudo "$@"
  fi
}

apt_install() {
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends "$@"
}

# apt_knows PACKAGE...: whether the package lists at hand have all of them.
apt_knows() {
  local package
  for package in "$@"; do
    [[ -n "$(apt-cache show "$package" 2>/dev/null)" ]] || return 1
  done
}

# install_packages PACKAGE...: fetches the package lists only where those at hand lack a package or are too old to install from.
install_packages() {
  say "Installing $*"
  if apt_knows "$@" && apt_install "$@"; then
    return
  fi
  as_root apt-get --quiet update && apt_install "$@"
}

# want PACKAGE...: installs what is missing of these; fails if that is not possible.
want() {
  local -a missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) || { can_install && install_packages "${missing[@]}"; }
}

# want_nginx: has nginx at hand, if need be by LEASH_NGINX, or fails. Where it is not installed it is only unpacked: its package would
# start a server, now and each time the machine starts.
want_nginx() {
  PATH=$PATH:/usr/local/sbin:/usr/sbin has_command nginx && return
  local folder=$PWD/build/nginx
  if [[ ! -x "$folder/usr/sbin/nginx" ]]; then
    can_install || return
    say "Unpacking nginx"
    apt_knows nginx || as_root apt-get --quiet update || return
    mkdir -p "$folder"
    (cd "$folder" && apt-get --quiet download nginx && dpkg-deb --extract nginx_*.deb .) || return
  fi
  # It may lack a library.
  "$folder/usr/sbin/nginx" -v 2>/dev/null || return
  export LEASH_NGINX=$folder/usr/sbin/nginx
}

# want_redis: has redis-server at hand, if need be by LEASH_REDIS, or fails. Its package would start a server too; that of its tools has
# the same program, which is the server by its name.
want_redis() {
  has_command redis-server && return
  want redis-tools || return
  mkdir -p build/redis
  ln -sf "$(command -v redis-check-rdb)" build/redis/redis-server
  build/redis/redis-server --version | grep "Redis server" >/dev/null || return
  export LEASH_REDIS=$PWD/build/redis/redis-server
}

# require PACKAGE...: as want, but ends the script if it is not possible.
require() {
  local -a missing
  mapfile -t missing < <(missing_packages "$@")
  ((${#missing[@]} == 0)) && return
  can_install || die "these packages are missing (by their names in Debian and Ubuntu), please install them: ${missing[*]}"
  install_packages "${missing[@]}" || die "these packages could not be installed: ${missing[*]}"
}

# at_least VERSION MINIMUM
at_least() {
  [[ "$(printf '%s\n%s\n' "$2" "$1" | sort --version-sort | head -n 1)" == "$2" ]]
}

# require_toolchain: ends the script if the compiler or CMake is too old for leash.
require_toolchain() {
  local name version minimum
  version=$(cmake --version | sed -n '1s/.* //p')
  at_least "$version" 3.25 || die "leash needs CMake 3.25 or newer, and this is $version (Debian 12 and Ubuntu 24.04 have a newer one)"

  compile --version >/dev/null 2>&1 || die "the compiler ${CXX:-c++} cannot be run; set CXX to one that can"
  if compile -dM -E -x c++ /dev/null | grep __clang__ >/dev/null; then
    name=Clang minimum=19
  else
    name=GCC minimum=12
  fi
  version=$(compile -dumpversion)
  at_least "$version" "$minimum" ||
    die "leash needs GCC 12 or Clang 19 or newer, and ${CXX:-c++} is $name $version; CXX=g++-12, say, chooses another one"
}
