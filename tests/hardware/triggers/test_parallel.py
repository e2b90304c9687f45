"""Parallel ports: the real code, down to a DLL and to the system call, with twins below it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hardware.settings import RigSettings, TriggerSettings
from hardware.triggers import ParallelTrigger, open_trigger

ROOT = Path(__file__).resolve().parents[3]

INPOUT = """
#include <stdio.h>
#include <stdlib.h>
static unsigned char pins[65536];
static void note(unsigned short port, int value) {
    FILE *log = fopen(getenv("PINS_LOG"), "a");
    fprintf(log, "%#x %d\\n", port, value);
    fclose(log);
}
#ifdef DLPORTIO
void DlPortWritePortUchar(unsigned long port, unsigned char value) {
    pins[port & 65535] = value; note(port, value);
}
unsigned char DlPortReadPortUchar(unsigned long port) { return pins[port & 65535]; }
#else
void Out32(short port, short value) {
    pins[(unsigned short)port] = ABSENT ? 255 : value; note(port, value);
}
short Inp32(short port) { return pins[(unsigned short)port]; }
int IsInpOutDriverOpen(void) { return DRIVER; }
#endif
"""

PPDEV = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/ppdev.h>
static int port = -2;
static unsigned char pins;
static void note(const char *what, int value) {
    FILE *log = fopen(getenv("PINS_LOG"), "a");
    fprintf(log, "%s %d\\n", what, value);
    fclose(log);
}
static int twin(const char *path) {
    if (strcmp(path, "/dev/parport0")) return 0;
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    port = real("/dev/null", O_RDWR);
    note("open", 0);
    return 1;
}
int open(const char *path, int flags, ...) {
    va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    return twin(path) ? port : real(path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open64");
    return twin(path) ? port : real(path, flags, mode);
}
int ioctl(int fd, unsigned long request, ...) {
    va_list rest; va_start(rest, request); void *argument = va_arg(rest, void *); va_end(rest);
    int (*real)(int, unsigned long, ...) = dlsym(RTLD_NEXT, "ioctl");
    if (fd != port) return real(fd, request, argument);
    switch ((unsigned int)request) {
        case PPCLAIM:
            if (getenv("BUSY")) { errno = EBUSY; return -1; }
            note("claim", 0); return 0;
        case PPDATADIR: note("direction", *(int *)argument); return 0;
        case PPWDATA: pins = *(unsigned char *)argument; note("write", pins); return 0;
        case PPRDATA: *(unsigned char *)argument = pins; return 0;
        case PPRELEASE: note("release", 0); return 0;
    }
    errno = EINVAL;
    return -1;
}
"""


def compiled(folder: Path, source: str, *options: str) -> Path:
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or sys.platform == "win32":
        pytest.skip("the twins of parallel ports are made with a C compiler")
    (folder / "twin.c").write_text(source, encoding="utf-8")
    made = folder / "twin.so"
    subprocess.run(
        [compiler, "-shared", "-fPIC", "-o", str(made), str(folder / "twin.c"), *options, "-ldl"], check=True
    )
    return made


@pytest.mark.parametrize("options", [("-DDRIVER=1", "-DABSENT=0"), ("-DDLPORTIO",)])
def test_codes_reach_the_functions_of_the_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    log = tmp_path / "log"
    monkeypatch.setenv("PINS_LOG", str(log))
    settings = TriggerSettings(
        kind="parallel", port="0xDFF8", library=str(compiled(tmp_path, INPOUT, *options))
    )
    port = open_trigger(RigSettings(triggers=(settings,)))
    assert isinstance(port, ParallelTrigger)
    for code in (1, 128, 255):
        port.send(code)
        port.reset()
    port.send(7)
    port.send(7)
    port.close()
    port.close()
    values = [0, 1, 0, 128, 0, 255, 0, 7, 0, 7, 0]
    assert log.read_text().splitlines() == [f"0xdff8 {value}" for value in values]
    with pytest.raises(RuntimeError, match="was closed"):
        port.send(1)


def test_pins_are_read_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PINS_LOG", str(tmp_path / "log"))
    there = ParallelTrigger("0x378", library=str(compiled(tmp_path, INPOUT, "-DDRIVER=1", "-DABSENT=0")))
    assert there.self_test() is None
    (tmp_path / "absent").mkdir()
    absent = compiled(tmp_path / "absent", INPOUT, "-DDRIVER=1", "-DABSENT=1")
    problem = ParallelTrigger("0x378", library=str(absent)).self_test()
    assert problem is not None
    assert "0x55 was written to 0x378 and 0xff read back" in problem


def test_a_driver_that_does_not_run_is_answered(tmp_path: Path) -> None:
    library = compiled(tmp_path, INPOUT, "-DDRIVER=0", "-DABSENT=0")
    with pytest.raises(ValueError, match="InstallDriver once as administrator"):
        ParallelTrigger("0x378", library=str(library))


def test_a_driver_that_is_missing_is_answered(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"Install InpOut .*64-bit"):
        ParallelTrigger("0x378", library=str(tmp_path / "inpoutx64.dll"))
    other = compiled(tmp_path, "int nothing(void) { return 0; }")
    with pytest.raises(ValueError, match="neither the functions of InpOut"):
        ParallelTrigger("0x378", library=str(other))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ppdev is Linux'")
def test_on_linux_the_device_is_asked_for() -> None:
    with pytest.raises(ValueError, match=r'give the device, such as port = "/dev/parport0"'):
        ParallelTrigger("0x378")
    with pytest.raises(ValueError, match="modprobe ppdev"):
        ParallelTrigger("/dev/parport77")
    with pytest.raises(ValueError, match="could not be claimed"):
        ParallelTrigger("/dev/null")


def run_on_ppdev(folder: Path, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python on a system whose calls for /dev/parport0 are answered by a twin of the kernel's driver."""
    if not Path("/usr/include/linux/ppdev.h").is_file():
        pytest.skip("the twin of the driver is made with the kernel's own header, linux/ppdev.h")
    twin = compiled(folder, PPDEV)
    return subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        capture_output=True,
        text=True,
        env={**os.environ, "LD_PRELOAD": str(twin), "PINS_LOG": str(folder / "log"), **environment},
    )


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ppdev is Linux'")
def test_codes_reach_the_kernel(tmp_path: Path) -> None:
    ran = run_on_ppdev(
        tmp_path,
        "from hardware.triggers import ParallelTrigger\n"
        "port = ParallelTrigger('/dev/parport0')\n"
        "for code in (1, 128, 255):\n    port.send(code)\n    port.reset()\n"
        "port.send(7); port.send(7)\n"
        "assert port.self_test() is None\n"
        "port.close(); port.close()\n",
    )
    assert ran.returncode == 0, ran.stderr
    values = [0, 1, 0, 128, 0, 255, 0, 7, 0, 7, 0x55, 0xAA, 0, 0]
    expected = ["open 0", "claim 0", "direction 0", *(f"write {value}" for value in values), "release 0"]
    assert (tmp_path / "log").read_text().splitlines() == expected


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="ppdev is Linux'")
def test_a_port_that_a_printer_has_is_answered(tmp_path: Path) -> None:
    ran = run_on_ppdev(
        tmp_path, "from hardware.triggers import ParallelTrigger\nParallelTrigger('/dev/parport0')", BUSY="1"
    )
    assert ran.returncode == 1
    assert "could not be claimed (Device or resource busy)" in ran.stderr
    assert "modprobe -r lp" in ran.stderr
