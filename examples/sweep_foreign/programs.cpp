#include "programs.hpp"

#include <vector>

#ifdef WITH_ARCHIVE
#include "archive_program.hpp"
#endif
#ifdef WITH_LEVELDB
#include "leveldb_program.hpp"
#endif
#ifdef WITH_SQLITE
#include "sqlite_program.hpp"
#endif
#ifdef WITH_TLS
#include "tls_program.hpp"
#endif
#ifdef WITH_XML
#include "xml_program.hpp"
#endif

namespace sweep_foreign {

std::span<const Program> programs() {
  static const std::vector<Program> all{
#ifdef WITH_ARCHIVE
      Program{"archive", run_archive, archive_options},
#endif
#ifdef WITH_LEVELDB
      Program{"leveldb", run_leveldb, leveldb_options},
#endif
#ifdef WITH_SQLITE
      Program{"sqlite", run_sqlite, sqlite_options},
#endif
#ifdef WITH_TLS
      Program{"tls", run_tls, tls_options},
#endif
#ifdef WITH_XML
      Program{"xml", run_xml, xml_options},
#endif
  };
  return all;
}

}  // namespace sweep_foreign
