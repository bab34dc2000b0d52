#include <leash/registration.hpp>

namespace LEASH_NAMESPACE {

Registration::Hold::~Hold() = default;

}  // namespace LEASH_NAMESPACE
