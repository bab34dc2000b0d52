#pragma once

// Included only while leash itself is compiled. Each source of leash adds an entry to the section `leash_code`: where
// its machine code begins and ends in memory. Reports use it to leave out leash's own frames in a program without
// symbols; `track/symbol/own_code_linux.cpp` reads it.
//
// - The code begins at the start of `.text` (label 771) and ends at `.text 8191` (label 772): the assembler orders the
//   subsections of a section by number, so this one comes after all code of the source.
// - Both addresses are stored relative to the word that holds them, so the dynamic linker has nothing to relocate.
// - Nothing refers to the section: the flag R keeps a linker that collects garbage from dropping it.
// - Its name is an identifier of C, so the linker defines `__start_leash_code` and `__stop_leash_code`.
// NOLINTBEGIN(hicpp-no-assembler)
asm(R"(
  .text
771:
  .text 8191
772:
  .section leash_code, "aR", @progbits
  .balign 8
  .quad 771b - .
  .quad 772b - .
  .text
)");
// NOLINTEND(hicpp-no-assembler)
