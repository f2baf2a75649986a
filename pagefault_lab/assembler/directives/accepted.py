"""Directives that compilers print and that change nothing here, modes, and messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pagefault_lab.assembler.directives import directive
from pagefault_lab.problem import Problem

if TYPE_CHECKING:
    from pagefault_lab.assembler.assembly import Assembly
    from pagefault_lab.assembler.cursor import Cursor


@directive(
    ".file", ".ident", ".loc", ".version", ".arch", ".att_syntax", ".att_mnemonic", ".noaltmacro", ".list", ".nolist",
    ".title", ".sbttl", ".psize", ".eject", ".line", ".ln", ".loc_mark_labels", ".symver", ".gnu_attribute", ".addrsig",
    ".cfi_sections", ".cfi_startproc", ".cfi_endproc", ".cfi_personality", ".cfi_lsda", ".cfi_def_cfa",
    ".cfi_def_cfa_register", ".cfi_def_cfa_offset", ".cfi_adjust_cfa_offset", ".cfi_offset", ".cfi_val_offset",
    ".cfi_rel_offset", ".cfi_register", ".cfi_restore", ".cfi_undefined", ".cfi_same_value", ".cfi_remember_state",
    ".cfi_restore_state", ".cfi_return_column", ".cfi_signal_frame", ".cfi_window_save", ".cfi_escape",
    ".cfi_val_encoded_addr", ".cfi_label", ".warning", ".print", ".func", ".endfunc", ".stabs", ".stabn", ".stabd",
)  # fmt: skip
def ignored(assembly: Assembly, cursor: Cursor) -> None:
    """Accepted without effect: it is about debugging information, listings or other tools."""
    cursor.rest()


@directive(".code32")
def code32(assembly: Assembly, cursor: Cursor) -> None:
    """.code32: what follows runs in a 32-bit code segment (so it is at the start)."""
    assembly.set_bits(32)


@directive(".code16")
def code16(assembly: Assembly, cursor: Cursor) -> None:
    """.code16: what follows runs in a 16-bit code segment or in real mode."""
    assembly.set_bits(16)


@directive(".code64", ".code16gcc")
def other_code(assembly: Assembly, cursor: Cursor) -> None:
    """Not known here."""
    raise Problem("this processor has no such mode", "use .code32 or .code16")


@directive(".intel_syntax")
def intel_syntax(assembly: Assembly, cursor: Cursor) -> None:
    """Not known here: source first, destination last, % before registers, $ before numbers."""
    cursor.rest()
    raise Problem("Intel syntax is not known here", "AT&T syntax: movl $5,%eax has its destination last")


@directive(
    ".reloc", ".weakref", ".linkonce", ".tfloat", ".dc.x", ".dcb.x", ".bundle_align_mode", ".bundle_lock",
    ".bundle_unlock",
)  # fmt: skip
def of_as_only(assembly: Assembly, cursor: Cursor) -> None:
    """Not known here, though GNU as has it."""
    cursor.rest()
    raise Problem(f"{assembly.word} is not known here, though GNU as has it", "insmod takes objects that as has made")


@directive(".err")
def err(assembly: Assembly, cursor: Cursor) -> None:
    """.err: the program is wrong if this line counts."""
    raise Problem("the program reports an error with .err")


@directive(".error")
def error(assembly: Assembly, cursor: Cursor) -> None:
    """.error "TEXT": the program is wrong if this line counts."""
    if cursor.at_end:
        raise Problem("the program reports an error with .error")
    text = cursor.string().decode("utf-8", "replace")
    raise Problem(f"the program reports an error: {text}")


@directive(".fail", ".abort")
def fail(assembly: Assembly, cursor: Cursor) -> None:
    """The program is wrong if this line counts."""
    cursor.rest()
    raise Problem("the program gives up here")
