// Whether two threads on different files of one MemoryFS hinder each other: beside the same two threads, each of which
// has a MemoryFS of its own.
#include <pthread.h>
#include <fs_common.hpp>

#include <algorithm>
#include <atomic>
#include <barrier>
#include <chrono>
#include <functional>
#include <leash/fs/memory_fs.hpp>
#include <limits>
#include <memory>
#include <span>
#include <thread>

namespace {

using bench::must;
using leash::Context;
using leash::fs::File;
using leash::fs::FileSystem;
using leash::fs::MemoryFS;
using Clock = std::chrono::steady_clock;

constexpr std::size_t thread_count = 2;

/// Far enough apart for the processor not to fetch one with the other.
constexpr std::size_t apart = 256;

void pin(std::size_t core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  ::pthread_setaffinity_np(::pthread_self(), sizeof set, &set);
}

/// What one thread works with, on no cache line with anything of another one.
struct alignas(apart) Worker {
  std::string path;
  std::array<FileSystem*, 2> systems{};  ///< The shared one, and its own.
  std::array<std::unique_ptr<File>, 2> files;
  std::vector<std::byte> buffer;
  Clock::time_point start;
  Clock::time_point end;
};

/// `run(worker, which)` is a batch of operations: in the shared MemoryFS (0) or in the thread's own (1).
template <class Run>
void scaling(benchmark::State& state, std::size_t read_size, Run run) {
  const Context& ctx = Context::background();
  MemoryFS shared;
  std::array<std::unique_ptr<MemoryFS>, thread_count> own;
  std::vector<Worker> workers(thread_count);

  // Files of others lie between those of the threads, so that not even neighbours in memory are shared.
  const auto names = bench::paths(thread_count * 100);
  bench::fill(shared, names, bench::block_size);
  for (std::size_t i = 0; i < thread_count; ++i) {
    own[i] = std::make_unique<MemoryFS>();
    bench::fill(*own[i], names, bench::block_size);
    Worker& worker = workers[i];
    worker.path = names[i * 100 + 50];
    worker.systems = {&shared, own[i].get()};
  }

  std::atomic<bool> stop = false;
  std::size_t which = 0;  // Written while the workers wait at the barrier.
  std::barrier barrier(thread_count + 1);
  alignas(apart) std::atomic<std::size_t> ready = 0;
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < thread_count; ++i) {
    threads.emplace_back([&, i] {
      pin(i);
      Worker& worker = workers[i];
      worker.buffer.resize(read_size + 2 * apart);
      // A thread's handles come from its own arena.
      for (std::size_t system = 0; system < worker.systems.size(); ++system) {
        const std::vector<std::byte> gap(apart);
        worker.files[system] = must(worker.systems[system]->open(ctx, worker.path));
      }
      while (true) {
        barrier.arrive_and_wait();
        if (stop) break;
        const std::size_t system = which;
        ready.fetch_add(1);
        while (ready.load() != thread_count) {
        }
        worker.start = Clock::now();
        run(worker, system);
        worker.end = Clock::now();
        barrier.arrive_and_wait();
      }
      for (auto& file : worker.files) file.reset();
    });
  }

  const auto measure = [&](std::size_t system) {
    which = system;
    ready = 0;
    barrier.arrive_and_wait();
    barrier.arrive_and_wait();
    const auto start = std::ranges::min_element(workers, {}, &Worker::start)->start;
    const auto end = std::ranges::max_element(workers, {}, &Worker::end)->end;
    return std::chrono::duration<double>(end - start).count();
  };
  // The best time counts: with other work on the machine two threads are seldom undisturbed at once, but then as fast
  // as they can be.
  std::array<double, 2> best{};
  best.fill(std::numeric_limits<double>::infinity());
  for (auto _ : state) {
    double sum = 0;
    for (std::size_t system = 0; system < best.size(); ++system) {
      const double time = measure(system);
      best[system] = std::min(best[system], time);
      sum += time;
    }
    state.SetIterationTime(sum);
  }
  stop = true;
  barrier.arrive_and_wait();
  threads.clear();
  state.counters["shared_us"] = 1e6 * best[0];
  state.counters["own_us"] = 1e6 * best[1];
  state.counters["share"] = best[1] / best[0];
}

constexpr std::size_t times = 4000;

template <std::size_t size>
void memory_read_scaling(benchmark::State& state) {
  scaling(state, size, [](Worker& worker, std::size_t system) {
    const std::span<std::byte> buffer(worker.buffer.data() + apart, size);
    File& file = *worker.files[system];
    for (std::size_t i = 0; i < times; ++i) {
      if (file.read_at(buffer, 0) != size) std::abort();
      benchmark::ClobberMemory();
    }
  });
}
BENCHMARK(memory_read_scaling<bench::block_size>)->Name("memory_read_scaling")->UseManualTime()->MinTime(0.3);
BENCHMARK(memory_read_scaling<64>)->Name("memory_read64_scaling")->UseManualTime()->MinTime(0.3);

void memory_open_scaling(benchmark::State& state) {
  scaling(state, 0, [](Worker& worker, std::size_t system) {
    const Context& ctx = Context::background();
    for (std::size_t i = 0; i < times; ++i) {
      auto file = worker.systems[system]->open(ctx, worker.path);
      if (!file || !(*file)->close()) std::abort();
    }
  });
}
BENCHMARK(memory_open_scaling)->UseManualTime()->MinTime(0.3);

void memory_stat_scaling(benchmark::State& state) {
  scaling(state, 0, [](Worker& worker, std::size_t system) {
    const Context& ctx = Context::background();
    for (std::size_t i = 0; i < times; ++i) {
      auto info = worker.systems[system]->stat(ctx, worker.path);
      if (!info || info->size != bench::block_size) std::abort();
    }
  });
}
BENCHMARK(memory_stat_scaling)->UseManualTime()->MinTime(0.3);

}  // namespace
