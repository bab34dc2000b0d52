#include "key.hpp"

int user_id_with_rtti(const leash::Context& ctx) {
  const int* const id = ctx.value<UserId>();
  return id == nullptr ? 0 : *id;
}
