#include "task_thread.hpp"

namespace sweep_foreign {

TaskThread::~TaskThread() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void TaskThread::add(void (*function)(void*), void* argument) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back({function, argument});
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
  changed_.notify_all();
}

void TaskThread::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [this] { return ending_ || !tasks_.empty(); });
    if (tasks_.empty()) return;
    const Task task = tasks_.front();
    tasks_.pop_front();
    lock.unlock();
    task.function(task.argument);
    lock.lock();
  }
}

}  // namespace sweep_foreign
