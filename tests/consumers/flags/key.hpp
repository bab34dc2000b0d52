#pragma once

#include <leash/context.hpp>

struct UserId {
  using value_type = int;
};

/// The value in code that is compiled with RTTI, or 0.
int user_id_with_rtti(const leash::Context& ctx);
