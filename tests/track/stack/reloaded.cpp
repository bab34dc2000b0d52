// A library with a call that lies at the same place whatever FRAME_SIZE is, though the frame is of another size.
// NOLINTBEGIN(hicpp-no-assembler)
#define LEASH_TEXT(x) #x
#define LEASH_VALUE(x) LEASH_TEXT(x)
#define LEASH_FRAME(name) \
  ".globl " name "\n.type " name ", @function\n" name ":\n.cfi_startproc\n"                                         \
  "sub $" LEASH_VALUE(FRAME_SIZE) ", %rsp\n.cfi_adjust_cfa_offset " LEASH_VALUE(FRAME_SIZE) "\ncall *%rdi\n"        \
  "add $" LEASH_VALUE(FRAME_SIZE) ", %rsp\n.cfi_adjust_cfa_offset -" LEASH_VALUE(FRAME_SIZE) "\nret\n.cfi_endproc\n" \
  ".size " name ", .-" name "\n"
// Nothing was ever called from where `elsewhere` is.
asm(".text\n.p2align 12\n" LEASH_FRAME("reloaded") ".skip 8 * " LEASH_VALUE(FRAME_SIZE) "\n" LEASH_FRAME("elsewhere"));
// NOLINTEND(hicpp-no-assembler)
