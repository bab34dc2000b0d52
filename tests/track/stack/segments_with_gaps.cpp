// Finds the rule of a function of its own. It is linked so that its segments do not adjoin in memory.
#include <elf.h>
#include <link.h>

#include <cstdint>
#include <cstdio>
#include <leash/track/stack/eh_frame.hpp>
#include <optional>

namespace {

// Of the program, which is visited first.
int count_gaps(dl_phdr_info* info, std::size_t /*size*/, void* data) {
  constexpr std::uintptr_t page = 4096;
  std::uintptr_t end = 0;
  for (const ElfW(Phdr)* header = info->dlpi_phdr; header != info->dlpi_phdr + info->dlpi_phnum; ++header) {
    if (header->p_type != PT_LOAD) continue;
    if (end != 0 && header->p_vaddr / page > end) ++*static_cast<int*>(data);
    end = (header->p_vaddr + header->p_memsz + page - 1) / page;
  }
  return 1;
}

}  // namespace

int main() {
  int gaps = 0;
  dl_iterate_phdr(count_gaps, &gaps);
  const auto function = reinterpret_cast<std::uintptr_t>(&count_gaps) + 1;
  const std::optional<leash::track::detail::EhFrame> tables = leash::track::detail::find_tables(function);
  const bool framed = tables && leash::track::detail::find_rule(*tables, function).is_framed();
  std::printf("%d gaps, tables %s, rule %s\n", gaps, tables ? "found" : "MISSING", framed ? "found" : "MISSING");
  return gaps > 0 && framed ? 0 : 1;
}
