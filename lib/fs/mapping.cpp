#include <leash/fs/mapping.hpp>

namespace LEASH_NAMESPACE::fs {

Mapping::~Mapping() = default;

Result<void> Mapping::sync(std::source_location site) { return do_sync(site); }
Result<void> Mapping::close(std::source_location site) { return do_close(site); }

}  // namespace LEASH_NAMESPACE::fs
