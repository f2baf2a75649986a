"""Modules for the guest kernel in QEMU: what insmod and rmmod do, with GNU as and ld, and the kernel's own calls."""

from __future__ import annotations

import re
from pathlib import Path

from judges import gnu
from judges.guest import Guest

CREATE_MODULE, INIT_MODULE, DELETE_MODULE = 127, 128, 129
ERRORS = range(-4095, 0)


def insmod(guest: Guest, source: Path, **parameters: int) -> int:
    """Load a module and start it; what its init_module has returned, or the error of create_module.

    Its symbols are the guest's from then on. A parameter is a long in it that is set before it starts.
    """
    name = name_of(source)
    folder = guest.folder / name
    folder.mkdir(exist_ok=True)
    head = guest["MODULE_HEAD"]
    size = head + gnu.link(source, 0, folder, guest.kernel).image.stat().st_size
    address = guest.system_call(CREATE_MODULE, name, size)
    if address in ERRORS:
        return address
    address &= 0xFFFFFFFF
    module = gnu.link(source, address + head, folder, guest.kernel)
    guest.pc.write(module.base, module.image.read_bytes())  # create_module wrote the head: this directory has the page
    for field, function in (("MODULE_INIT", "init_module"), ("MODULE_CLEANUP", "cleanup_module")):
        _write_long(guest, address + guest[field], module.symbols.get(function, 0))
    for parameter, value in parameters.items():
        _write_long(guest, module[parameter], value)
    guest.symbols.update(module.symbols)
    return guest.system_call(INIT_MODULE, name)


def rmmod(guest: Guest, name: str) -> int:
    """Let a module clean up, and unload it; 0 or an error."""
    return guest.system_call(DELETE_MODULE, name)


def name_of(source: Path) -> str:
    """What a module is called."""
    return re.sub(r"\W", "_", source.stem)


def _write_long(guest: Guest, linear: int, value: int) -> None:
    guest.pc.write(linear, (value & 0xFFFFFFFF).to_bytes(4, "little"))
