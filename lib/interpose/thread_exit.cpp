// What the compiler calls for a thread-local variable with a destructor, of this library alone. That of the C library
// allocates, and waits for a thread that loads a library; we may be called where neither is allowed.
#include <pthread.h>

#include <atomic>
#include <leash/config.hpp>
#include <new>

namespace LEASH_NAMESPACE::interpose {
namespace {

struct Variable {
  void (*destroy)(void*);
  void* object;
  Variable* next;
};

void destroy_all(void* first) {
  for (auto* each = static_cast<Variable*>(first); each != nullptr;) {
    each->destroy(each->object);
    Variable* const next = each->next;
    delete each;
    each = next;
  }
}

/// The list of a thread is the value of this key, plus 1; 0 while there is none. The first keys of a program have room
/// in the thread itself.
constinit std::atomic<pthread_key_t> key{0};

bool have_key(pthread_key_t& found) noexcept {
  pthread_key_t known = key.load(std::memory_order_acquire);
  if (known == 0) {
    pthread_key_t fresh = 0;
    if (::pthread_key_create(&fresh, destroy_all) != 0) return false;
    if (key.compare_exchange_strong(known, fresh + 1)) {
      known = fresh + 1;
    } else {
      ::pthread_key_delete(fresh);
    }
  }
  found = known - 1;
  return true;
}

bool add(void (*destroy)(void*), void* object) noexcept {
  pthread_key_t list = 0;
  if (!have_key(list)) return false;
  auto* const first = static_cast<Variable*>(::pthread_getspecific(list));
  auto* const added = new (std::nothrow) Variable{destroy, object, first};
  if (added == nullptr) return false;
  if (::pthread_setspecific(list, added) == 0) return true;
  delete added;
  return false;
}

}  // namespace
}  // namespace LEASH_NAMESPACE::interpose

// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the name that compilers know
extern "C" [[gnu::visibility("hidden")]] int __cxa_thread_atexit(void (*destroy)(void*), void* object, void*) noexcept {
  return leash::interpose::add(destroy, object) ? 0 : -1;
}
