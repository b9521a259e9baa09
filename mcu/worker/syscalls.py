"""Numbers of the Linux system calls that a sandboxed process must not make, for the two architectures we run on.

Numbers from 424 on are the same everywhere (linux/asm-generic/unistd.h).
"""

from __future__ import annotations

from dataclasses import dataclass

_SHARED_DENIED = {
    "pidfd_send_signal": 424, "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427,
    "open_tree": 428, "move_mount": 429, "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433,
    "pidfd_open": 434, "openat2": 437, "pidfd_getfd": 438, "process_madvise": 440, "mount_setattr": 442,
    "memfd_secret": 447, "process_mrelease": 448, "fchmodat2": 452,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the filter needs to know of one architecture."""

    audit_number: int
    """AUDIT_ARCH_* (linux/audit.h)."""
    seccomp: int
    clone: int
    kill: int
    tgkill: int
    denied: dict[str, int]


ARCHITECTURES = {
    "x86_64": Architecture(
        audit_number=0xC000003E, seccomp=317, clone=56, kill=62, tgkill=234,
        denied=_SHARED_DENIED | {
            "open": 2, "socket": 41, "connect": 42, "accept": 43, "bind": 49, "listen": 50, "socketpair": 53,
            "fork": 57, "vfork": 58, "execve": 59, "truncate": 76, "rename": 82, "mkdir": 83, "rmdir": 84,
            "creat": 85, "link": 86, "unlink": 87, "symlink": 88, "chmod": 90, "fchmod": 91, "chown": 92,
            "fchown": 93, "lchown": 94, "ptrace": 101, "rt_sigqueueinfo": 129, "mknod": 133, "personality": 135,
            "modify_ldt": 154, "pivot_root": 155, "chroot": 161, "mount": 165, "umount2": 166, "swapon": 167,
            "reboot": 169, "iopl": 172, "ioperm": 173, "init_module": 175, "delete_module": 176, "tkill": 200,
            "kexec_load": 246, "add_key": 248, "request_key": 249, "keyctl": 250, "openat": 257, "mkdirat": 258,
            "mknodat": 259, "fchownat": 260, "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266,
            "fchmodat": 268, "unshare": 272, "accept4": 288, "rt_tgsigqueueinfo": 297, "perf_event_open": 298,
            "name_to_handle_at": 303, "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310,
            "process_vm_writev": 311, "kcmp": 312, "finit_module": 313, "renameat2": 316, "memfd_create": 319,
            "kexec_file_load": 320, "bpf": 321, "execveat": 322, "userfaultfd": 323,
        },
    ),
    "aarch64": Architecture(
        audit_number=0xC00000B7, seccomp=277, clone=220, kill=129, tgkill=131,
        denied=_SHARED_DENIED | {
            "mknodat": 33, "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37, "renameat": 38,
            "umount2": 39, "mount": 40, "pivot_root": 41, "truncate": 45, "chroot": 51, "fchmod": 52, "fchmodat": 53,
            "fchownat": 54, "fchown": 55, "openat": 56, "personality": 92, "unshare": 97, "kexec_load": 104,
            "init_module": 105, "delete_module": 106, "ptrace": 117, "tkill": 130, "rt_sigqueueinfo": 138,
            "reboot": 142, "socket": 198, "socketpair": 199, "bind": 200, "listen": 201, "accept": 202,
            "connect": 203, "add_key": 217, "request_key": 218, "keyctl": 219, "execve": 221, "swapon": 224,
            "rt_tgsigqueueinfo": 240, "perf_event_open": 241, "accept4": 242, "name_to_handle_at": 264,
            "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270, "process_vm_writev": 271, "kcmp": 272,
            "finit_module": 273, "renameat2": 276, "memfd_create": 279, "bpf": 280, "execveat": 281,
            "userfaultfd": 282, "kexec_file_load": 294,
        },
    ),
}  # fmt: skip
CLONE3 = 435
"""Its flags are behind a pointer, where a filter cannot look; told that it does not exist, libc uses clone()."""
X32_BIT = 0x40000000
"""System calls of the x32 ABI, which share the architecture number of x86_64."""
