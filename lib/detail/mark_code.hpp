#pragma once

// For the sources of the library alone. Each notes where its code lies in the program, from the begin of its `.text` to
// what the assembler puts behind all else there, so that a report can leave out the library's own frames where a
// program has no symbols. The places are relative to the words that tell them: nothing is relocated when the program
// starts; and the section is retained (R), which a linker might else drop when it collects what nobody refers to.
// `track/own_code_linux.cpp` reads the section, whose begin and end the linker names, since its name is one of
// C.
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
