"""What the child denies itself before it touches a byte from outside."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imaging.engine.landlock import confine_files
from imaging.engine.seccomp import filter_calls

MIB = 1 << 20
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38  # linux/prctl.h
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000  # linux/sched.h
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h
_ROOT = Path(__file__).resolve().parents[2]
# what libraries look up about the machine; none of it belongs to a person
_SYSTEM = (
    "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/localtime", "/proc/self", "/proc/cpuinfo",
    "/proc/meminfo", "/proc/stat", "/proc/version", "/proc/filesystems",
    "/proc/sys/vm", "/proc/sys/kernel/osrelease", "/sys/devices", "/sys/fs/cgroup", "/dev/urandom",
    "/dev/random", "/dev/zero",
)  # fmt: skip
_SYSTEM_WRITABLE = ("/dev/null",)
_CUDA = ("/sys", "/proc/driver", "/proc/devices", "/proc/modules", "/etc/nvidia", "/opt")


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps of one child; bytes, or None for no cap."""

    address_space: int | None
    file_size: int = 1088 * MIB  # the largest volume that may be decoded, and a little
    open_files: int = 256


@dataclass(frozen=True, slots=True)
class Held:
    """Which of the best-effort measures this machine granted."""

    network_isolated: bool
    address_space: int | None
    landlock: int = 0
    calls_filtered: bool = False


def decode_limits() -> Limits:
    return Limits(address_space=1536 * MIB)


def infer_limits(memory_mb: int) -> Limits:
    """Three times the memory cap in address space: a library maps far more than it uses.

    With CUDA there is no cap, because its driver reserves address space by the hundred GiB.
    """
    return Limits(address_space=None if _has_cuda() else 3 * memory_mb * MIB, file_size=4096 * MIB)


@dataclass(frozen=True, slots=True)
class Reach:
    """The folders from outside that one child may enter."""

    read: tuple[Path, ...] = ()
    write: tuple[Path, ...] = ()


def confine(limits: Limits, parent: int, reach: Reach = Reach()) -> Held:
    """Tie this process to `parent` and cap it; call it once, before any thread is started.

    What this kernel does not offer is left out, and `Held` says so.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [ctypes.c_int, *[ctypes.c_ulong] * 4]
    isolated = _leave_network(libc)
    # after the new namespace, since a change of credentials clears it
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(0)
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refused no_new_privs")
    _cap(limits)
    landlock = confine_files(read=_readable(reach), write=_writable(reach))
    return Held(
        network_isolated=isolated,
        address_space=limits.address_space,
        landlock=landlock,
        calls_filtered=filter_calls(cuda=_has_cuda()),
    )


def allow_cpu_seconds(seconds: float) -> None:
    """Let this process use `seconds` of processor time from now on; then the kernel ends it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(usage.ru_utime + usage.ru_stime + seconds) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (_at_most(hard, soft), hard))


def _readable(reach: Reach) -> Sequence[Path]:
    """Code, libraries and facts of the machine; no data folder, no settings, no other process."""
    main = getattr(sys.modules["__main__"], "__spec__", None)
    ours = {"imaging", *((main.name.split(".")[0],) if main else ())}
    libraries = [Path(one) for one in sys.path if one and Path(one) != _ROOT]
    prefixes = [Path(one) / "lib" for one in (sys.prefix, sys.base_prefix)]
    more = _CUDA if _has_cuda() else ()
    system = [Path(one) for one in (*_SYSTEM, *more)]
    return [*system, *libraries, *prefixes, *(_ROOT / name for name in ours), *reach.read]


def _writable(reach: Reach) -> Sequence[Path]:
    devices = sorted(Path("/dev").glob("nvidia*")) if _has_cuda() else []
    return [*(Path(one) for one in _SYSTEM_WRITABLE), *devices, *reach.write]


def _cap(limits: Limits) -> None:
    caps = {
        resource.RLIMIT_CORE: 0,  # a core file would hold pixels
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_FSIZE: limits.file_size,
        resource.RLIMIT_AS: limits.address_space,
    }
    for kind, value in caps.items():
        if value is not None:
            value = _at_most(resource.getrlimit(kind)[1], value)
            resource.setrlimit(kind, (value, value))


def _at_most(hard: int, value: int) -> int:
    return value if hard == resource.RLIM_INFINITY else min(value, hard)


def _leave_network(libc: ctypes.CDLL) -> bool:
    """Move into a network namespace without interfaces; False where the kernel forbids it."""
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0:
        # unmapped, files would merely look owned by "nobody"
        with contextlib.suppress(OSError):
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")
            Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
        _drop_capabilities(libc)
        return True
    return libc.unshare(_CLONE_NEWNET) == 0  # root without user namespaces


def _drop_capabilities(libc: ctypes.CDLL) -> None:
    """Give back what the new user namespace granted."""
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    if libc.capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "the kernel refused to drop capabilities")


def _has_cuda() -> bool:
    return Path("/dev/nvidiactl").exists()
