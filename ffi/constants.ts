/**
 * The kernel's constants, by header. All of them have the same value on x86-64
 * and aarch64; what differs between the two is in `platform.ts`.
 */

/** `asm-generic/mman-common.h`: the pages cannot be accessed. */
export const PROT_NONE = 0;
/** `asm-generic/mman-common.h`: the pages can be read. */
export const PROT_READ = 1;
/** `asm-generic/mman-common.h`: the pages can be written. */
export const PROT_WRITE = 2;

/** `linux/mman.h`: writes reach the mapped object. */
export const MAP_SHARED = 0x01;
/** `linux/mman.h`: writes stay in a private copy. */
export const MAP_PRIVATE = 0x02;
/** `asm-generic/mman-common.h`: at the given address, replacing what is there. */
export const MAP_FIXED = 0x10;
/** `asm-generic/mman-common.h`: zeroed memory, backed by no file. */
export const MAP_ANONYMOUS = 0x20;
/** `asm-generic/mman-common.h`: charge nothing before the first touch. */
export const MAP_NORESERVE = 0x4000;
/** `asm-generic/mman-common.h`: at the given address, or EEXIST (Linux 4.17). */
export const MAP_FIXED_NOREPLACE = 0x100000;

/** `linux/mman.h`: the mapping may move. */
export const MREMAP_MAYMOVE = 1;
/** `linux/mman.h`: to the given address, replacing what is there. */
export const MREMAP_FIXED = 2;

/** `asm-generic/mman-common.h`: write back, and wait for it. */
export const MS_SYNC = 4;

/** `asm-generic/mman-common.h`: read every page in now (Linux 5.14). */
export const MADV_POPULATE_READ = 22;
/** `asm-generic/mman-common.h`: make every page writable now (Linux 5.14). */
export const MADV_POPULATE_WRITE = 23;

/** `asm-generic/fcntl.h`: the bits of a descriptor's flags that name its mode. */
export const O_ACCMODE = 3;
/** `asm-generic/fcntl.h`: open for reading. */
export const O_RDONLY = 0;
/** `asm-generic/fcntl.h`: open for writing. */
export const O_WRONLY = 1;
/** `asm-generic/fcntl.h`: open for reading and writing. */
export const O_RDWR = 2;
/** `asm-generic/fcntl.h`: do not become the controlling terminal. */
export const O_NOCTTY = 0o400;
/** `asm-generic/fcntl.h`: every write goes to the end. */
export const O_APPEND = 0o2000;
/** `asm-generic/fcntl.h`: opening does not wait. */
export const O_NONBLOCK = 0o4000;
/** `asm-generic/fcntl.h`: closed in a child that executes a program. */
export const O_CLOEXEC = 0o2000000;

/** `asm-generic/fcntl.h`: name a file without opening it. */
export const O_PATH = 0o10000000;

/** `asm-generic/fcntl.h`: read a descriptor's flags. */
export const F_GETFL = 3;
/** `linux/fcntl.h`: duplicate a descriptor, with close-on-exec. */
export const F_DUPFD_CLOEXEC = 1030;
/** `linux/fcntl.h`: add seals. */
export const F_ADD_SEALS = 1033;
/** `linux/fcntl.h`: read the seals. */
export const F_GET_SEALS = 1034;

/** `linux/fcntl.h`: no more seals can be added. */
export const F_SEAL_SEAL = 0x01;
/** `linux/fcntl.h`: the file cannot shrink. */
export const F_SEAL_SHRINK = 0x02;
/** `linux/fcntl.h`: nothing may write. */
export const F_SEAL_WRITE = 0x08;
/** `linux/fcntl.h`: nothing new may write (Linux 5.1). */
export const F_SEAL_FUTURE_WRITE = 0x10;

/** `linux/fcntl.h`: relative to the working directory. */
export const AT_FDCWD = -100;
/** `linux/fcntl.h`: an empty path means the descriptor itself. */
export const AT_EMPTY_PATH = 0x1000;

/** `linux/stat.h`: what `stat(2)` gives. */
export const STATX_BASIC_STATS = 0x7ff;

/** `linux/stat.h`: the bits of a mode that name the kind of file. */
export const S_IFMT = 0o170000;
/** `linux/stat.h`: a regular file. */
export const S_IFREG = 0o100000;
/** `linux/stat.h`: a character device. */
export const S_IFCHR = 0o020000;
/** `linux/stat.h`: a block device. */
export const S_IFBLK = 0o060000;

/** `asm-generic/resource.h`: how large a file may become. */
export const RLIMIT_FSIZE = 1;

/** `linux/memfd.h`: close-on-exec. */
export const MFD_CLOEXEC = 1;
/** `linux/memfd.h`: seals may be added. */
export const MFD_ALLOW_SEALING = 2;
/** `linux/memfd.h`: not executable, sealed so (Linux 6.3). */
export const MFD_NOEXEC_SEAL = 8;

/** `linux/falloc.h`: the size stays as it is. */
export const FALLOC_FL_KEEP_SIZE = 1;

/** `linux/bpf.h`: a descriptor of a map for reading alone. */
export const BPF_F_RDONLY = 1 << 3;
/** `linux/bpf.h`: programs cannot write the map. */
export const BPF_F_RDONLY_PROG = 1 << 7;
/** `linux/bpf.h`: the map has memory that can be mapped. */
export const BPF_F_MMAPABLE = 1 << 10;

/** `linux/eventpoll.h`: close-on-exec. */
export const EPOLL_CLOEXEC = O_CLOEXEC;
/** `linux/eventpoll.h`: watch another descriptor. */
export const EPOLL_CTL_ADD = 1;
/** `linux/eventpoll.h`: watch a descriptor no longer. */
export const EPOLL_CTL_DEL = 2;
/** `linux/eventpoll.h`: there is something to read. */
export const EPOLLIN = 0x001;
/** `linux/eventpoll.h`: there is room to write. */
export const EPOLLOUT = 0x004;
/** `linux/eventpoll.h`: tell of each wake-up once, not for as long as it lasts. */
export const EPOLLET = 1 << 31;
/** `linux/eventfd.h`: close-on-exec. */
export const EFD_CLOEXEC = O_CLOEXEC;
/** `linux/eventfd.h`: reading and writing do not wait. */
export const EFD_NONBLOCK = O_NONBLOCK;

/** `linux/magic.h`: `statfs` of a file of huge pages. */
export const HUGETLBFS_MAGIC = 0x958458f6;
/** `linux/magic.h`: `statfs` of a tmpfs, which is also where memfds live. */
export const TMPFS_MAGIC = 0x01021994;

/** `asm-generic/errno-base.h` */
export const EPERM = 1;
/** `asm-generic/errno-base.h` */
export const ENOENT = 2;
/** `asm-generic/errno-base.h` */
export const ESRCH = 3;
/** `asm-generic/errno-base.h` */
export const EINTR = 4;
/** `asm-generic/errno-base.h` */
export const EIO = 5;
/** `asm-generic/errno-base.h` */
export const ENXIO = 6;
/** `asm-generic/errno-base.h` */
export const E2BIG = 7;
/** `asm-generic/errno-base.h` */
export const EBADF = 9;
/** `asm-generic/errno-base.h` */
export const EAGAIN = 11;
/** `asm-generic/errno-base.h` */
export const ENOMEM = 12;
/** `asm-generic/errno-base.h` */
export const EACCES = 13;
/** `asm-generic/errno-base.h` */
export const EFAULT = 14;
/** `asm-generic/errno-base.h` */
export const EBUSY = 16;
/** `asm-generic/errno-base.h` */
export const EEXIST = 17;
/** `asm-generic/errno-base.h` */
export const ENODEV = 19;
/** `asm-generic/errno-base.h` */
export const EINVAL = 22;
/** `asm-generic/errno-base.h` */
export const ENFILE = 23;
/** `asm-generic/errno-base.h` */
export const EMFILE = 24;
/** `asm-generic/errno-base.h` */
export const EFBIG = 27;
/** `asm-generic/errno-base.h` */
export const ENOSPC = 28;
/** `asm-generic/errno-base.h` */
export const EROFS = 30;
/** `asm-generic/errno.h` */
export const ENOLINK = 67;
/** `asm-generic/errno.h` */
export const EOPNOTSUPP = 95;
/** `asm-generic/errno.h` */
export const EAFNOSUPPORT = 97;
/** `asm-generic/errno.h` */
export const ETIMEDOUT = 110;
/** `asm-generic/errno.h` */
export const ESTALE = 116;
/** `asm-generic/errno.h` */
export const EDQUOT = 122;
/** `linux/errno.h`: the kernel's own, unknown to libc. */
export const ENOTSUPP = 524;
/** `asm-generic/errno-base.h` */
export const ERANGE = 34;
/** `asm-generic/errno.h` */
export const EILSEQ = 84;
