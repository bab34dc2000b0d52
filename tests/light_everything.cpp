// What everyone has to include who uses all of leash at once.

#include <leash/leash.hpp>
