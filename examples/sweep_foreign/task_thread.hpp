#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>

namespace sweep_foreign {

/// A thread that runs tasks one after the other. It begins with the first one; the destructor waits until all have run.
class TaskThread {
 public:
  TaskThread() = default;
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;
  ~TaskThread();

  void add(void (*function)(void*), void* argument);

 private:
  struct Task {
    void (*function)(void*);
    void* argument;
  };

  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Task> tasks_;
  bool ending_ = false;
  std::thread thread_;
};

}  // namespace sweep_foreign
