#include <cstdio>
#include <cstring>
#include <string>

// A program that knows nothing of leash, and forgets a file that has no such key: docs/run.md.

static std::string value_of(const char* key, const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "r");
  if (file == nullptr) {
    std::perror(path.c_str());
    return {};
  }
  char line[256];
  while (std::fgets(line, sizeof line, file) != nullptr) {
    const std::size_t size = std::strlen(key);
    if (std::strncmp(line, key, size) == 0 && line[size] == '=') {
      std::fclose(file);
      return line + size + 1;
    }
  }
  return "none\n";
}

static bool serve(int request, const std::string& path) {
  const std::string name = value_of(request % 3 == 0 ? "COLOR" : "NAME", path);
  if (name.empty()) return false;
  std::printf("%d: %s", request, name.c_str());
  return true;
}

int main(int argc, char** argv) {
  const std::string path = argc > 1 ? argv[1] : "/etc/os-release";
  for (int request = 1; request <= 1000; ++request) {
    if (!serve(request, path)) return 1;
  }
  return 0;
}
