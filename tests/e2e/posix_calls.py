# SPDX-License-Identifier: GPL-2.0-or-later
"""System calls by name, as a table or a random sequence has them: one line, one call, one outcome.

A line is a verb and words: `open f d/a RDWR|CREAT 640`. Directories go by single letters, which are
mapped to places; descriptors, mappings, open directories and processes by names of their own. A word
`x*300` is 300 times x, in names and in data; `-` alone is nothing. The outcome is what the call returned in words (`ok`
when that is nothing), or the name of its errno.
"""
import ctypes
import errno
import fcntl
import itertools
import mmap
import os
import re
import shutil
import stat
import struct
import subprocess
import time

AT_FDCWD, AT_SYMLINK_NOFOLLOW, AT_SYMLINK_FOLLOW = -100, 0x100, 0x400
UTIME = {'NOW': (1 << 30) - 1, 'OMIT': (1 << 30) - 2}
RENAME = {'NOREPLACE': 1, 'EXCHANGE': 2, 'WHITEOUT': 4}
FALLOC = {'KEEP_SIZE': 1, 'PUNCH_HOLE': 2, 'COLLAPSE_RANGE': 8, 'ZERO_RANGE': 16,
          'INSERT_RANGE': 32}
WHENCE = {'SET': os.SEEK_SET, 'CUR': os.SEEK_CUR, 'END': os.SEEK_END, 'DATA': os.SEEK_DATA,
          'HOLE': os.SEEK_HOLE}
CLOCK_REALTIME_COARSE = 5
F_OFD_SETLK = 37
LOCK = {'RD': fcntl.F_RDLCK, 'WR': fcntl.F_WRLCK, 'UN': fcntl.F_UNLCK}
FLOCK = 'hhqqi'
ESCAPES = {b'\\0': b'\0', b'\\n': b'\n', b'\\s': b' ', b'\\-': b'-'}
NAMES = {value: word for word, value in ESCAPES.items()}
TYPES = {stat.S_IFREG: 'file', stat.S_IFDIR: 'dir', stat.S_IFLNK: 'link', stat.S_IFIFO: 'fifo',
         stat.S_IFCHR: 'char', stat.S_IFSOCK: 'socket'}

libc = ctypes.CDLL(None, use_errno=True)


class Timespec(ctypes.Structure):
    _fields_ = [('sec', ctypes.c_int64), ('nsec', ctypes.c_int64)]


def check(result):
    if result < 0:
        raise OSError(ctypes.get_errno(), '')
    return result


def unpack(word):
    """The bytes that a word means."""
    one = re.compile(rb'(\\.|[^\\])(?:\*(\d+))?', re.S)
    return b'' if word == '-' else b''.join(
        ESCAPES.get(m.group(1), m.group(1)) * int(m.group(2) or 1)
        for m in one.finditer(os.fsencode(word)))


def pack(data):
    """The word that means these bytes."""
    words = []
    for byte, run in itertools.groupby(data):
        n = len(list(run))
        one = os.fsdecode(NAMES.get(bytes([byte]), bytes([byte])))
        words.append(f'{one}*{n}' if n > 3 else one * n)
    return ''.join(words) or '-'


def bits(word, names):
    """The sum of names with | between, or of a module's constants by a prefix."""
    value = 0
    for name in word.split('|'):
        value |= getattr(os, names + name) if isinstance(names, str) else names[name]
    return value


def describe_as(kind, mode, n_links, size):
    return f'{kind} {mode:o} {n_links} {size}'


def describe(st):
    return describe_as(TYPES[stat.S_IFMT(st.st_mode)], stat.S_IMODE(st.st_mode), st.st_nlink, st.st_size)


def error_name(number):
    return 'EOPNOTSUPP' if number == errno.EOPNOTSUPP else errno.errorcode[number]


def timespec(word):
    if word in UTIME:
        return Timespec(0, UTIME[word])
    sec, _, nsec = word.partition('.')
    return Timespec(int(sec), int(nsec.ljust(9, '0') or 0))


def show_time(ns):
    return f'{ns // 10**9}.{ns % 10**9:09}'


class Unopened(KeyError):
    """There is no such descriptor or mapping."""


class Named(dict):
    def __missing__(self, name):
        raise Unopened(name)


class Calls:
    """Carries lines out."""

    def __init__(self, places):
        self.places = {name: os.fsencode(path) for name, path in places.items()}
        self.fds, self.maps, self.marks = Named(), Named(), {}
        self.before = {name: set(os.listdir(path)) for name, path in self.places.items()}

    def run(self, line):
        verb, *words = line.split()
        try:
            result = getattr(self, 'do_' + verb)(*words)
        except OSError as e:
            return error_name(e.errno)
        except Unopened:
            return 'unopened'
        return 'ok' if result is None else str(result)

    def path(self, word):
        place, slash, rest = word.partition('/')
        if place not in self.places:
            return unpack(word)
        return self.places[place] + slash.encode() + unpack(rest)

    def names(self, place):
        """What was made in it. A refusal is told in a file of the mount's own."""
        return sorted(set(os.listdir(self.places[place])) - self.before[place] - {b'.error'})

    def content(self, path):
        try:
            if os.path.islink(path):
                return os.fsdecode(os.readlink(path))
            with open(path, 'rb') as f:
                return pack(f.read())
        except OSError as e:
            return error_name(e.errno)

    def state(self):
        """All that can be seen: a line a name."""
        lines = []
        for place, name in ((p, n) for p in self.places for n in self.names(p)):
            path = os.path.join(self.places[place], name)
            st = os.lstat(path)
            what = self.content(path) if stat.S_IFMT(st.st_mode) in (stat.S_IFREG, stat.S_IFLNK) else ''
            lines.append(f'{place}/{os.fsdecode(name)}: {describe(st)} {what}')
        return lines

    def clear(self):
        for m in self.maps.values():
            m.close()
        for fd in self.fds.values():
            os.close(fd)
        self.fds, self.maps, self.marks = Named(), Named(), {}
        for place in self.places:
            for name in self.names(place):
                path = os.path.join(self.places[place], name)
                (os.rmdir if os.path.isdir(path) and not os.path.islink(path) else os.unlink)(path)

    # Descriptors.

    def do_open(self, fd, path, flags, mode='644'):
        self.keep(fd, os.open(self.path(path), bits(flags, 'O_') | os.O_CLOEXEC, int(mode, 8)))

    def do_dup(self, fd, new):
        self.keep(new, os.dup(self.fds[fd]))

    def do_reopen(self, fd, new, flags):
        self.keep(new, os.open(f'/proc/self/fd/{self.fds[fd]}', bits(flags, 'O_')))

    def keep(self, name, fd):
        """By this name, whose former descriptor is closed."""
        if name in self.fds:
            os.close(self.fds[name])
        self.fds[name] = fd

    def do_close(self, fd):
        os.close(self.fds[fd])
        del self.fds[fd]

    def do_setfl(self, fd, flags):
        fcntl.fcntl(self.fds[fd], fcntl.F_SETFL, bits(flags, 'O_'))

    def do_read(self, fd, n):
        return pack(os.read(self.fds[fd], int(n)))

    def do_pread(self, fd, n, off):
        return pack(os.pread(self.fds[fd], int(n), int(off)))

    def do_write(self, fd, data):
        return os.write(self.fds[fd], unpack(data))

    def do_pwrite(self, fd, data, off):
        return os.pwrite(self.fds[fd], unpack(data), int(off))

    def do_seek(self, fd, off, whence):
        return os.lseek(self.fds[fd], int(off), WHENCE[whence])

    def do_ftruncate(self, fd, size):
        os.ftruncate(self.fds[fd], int(size))

    def do_truncate(self, path, size):
        os.truncate(self.path(path), int(size))

    def do_fallocate(self, fd, mode, off, length):
        flags = 0 if mode == '0' else bits(mode, FALLOC)
        check(libc.fallocate(self.fds[fd], flags, ctypes.c_int64(int(off)),
                             ctypes.c_int64(int(length))))

    def do_copy(self, source, off, target, at, n):
        return os.copy_file_range(self.fds[source], self.fds[target], int(n), int(off), int(at))

    def do_sendfile(self, source, target, n):
        return os.sendfile(self.fds[target], self.fds[source], 0, int(n))

    def do_fsync(self, fd):
        os.fsync(self.fds[fd])

    def do_syncdir(self, path):
        fd = os.open(self.path(path), os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    # Names.

    def do_rename(self, old, new, flags=None):
        check(libc.renameat2(AT_FDCWD, self.path(old), AT_FDCWD, self.path(new),
                             bits(flags, RENAME) if flags else 0))

    def do_link(self, old, new):
        os.link(self.path(old), self.path(new), follow_symlinks=False)

    def do_linkfd(self, fd, new):
        check(libc.linkat(AT_FDCWD, b'/proc/self/fd/%d' % self.fds[fd], AT_FDCWD, self.path(new),
                          AT_SYMLINK_FOLLOW))

    def do_symlink(self, target, path):
        os.symlink(unpack(target), self.path(path))

    def do_readlink(self, path):
        return pack(os.readlink(self.path(path)))

    def do_unlink(self, path):
        os.unlink(self.path(path))

    def do_mkdir(self, path, mode='755'):
        os.mkdir(self.path(path), int(mode, 8))

    def do_rmdir(self, path):
        os.rmdir(self.path(path))

    def do_mkfifo(self, path):
        os.mkfifo(self.path(path))

    def do_mknod(self, path):
        os.mknod(self.path(path), stat.S_IFREG | 0o600)

    def do_mkchar(self, path):
        os.mknod(self.path(path), stat.S_IFCHR | 0o600, os.makedev(1, 3))

    def do_list(self, place):
        return ' '.join(map(pack, self.names(place))) or '-'

    # Attributes.

    def do_stat(self, path):
        return describe(os.lstat(self.path(path)))

    def do_fstat(self, fd):
        return describe(os.fstat(self.fds[fd]))

    def do_owner(self, path):
        st = os.lstat(self.path(path))
        return f'{st.st_uid} {st.st_gid}'

    def do_inode(self, path, fd):
        """Is it the file that is open?"""
        same = os.lstat(self.path(path)).st_ino == os.fstat(self.fds[fd]).st_ino
        return 'same' if same else 'another'

    def do_cat(self, path):
        with open(self.path(path), 'rb') as f:
            return pack(f.read())

    def do_chmod(self, path, mode):
        os.chmod(self.path(path), int(mode, 8))

    def do_fchmod(self, fd, mode):
        os.fchmod(self.fds[fd], int(mode, 8))

    def do_lchmod(self, path, mode):
        check(libc.fchmodat(AT_FDCWD, self.path(path), int(mode, 8), AT_SYMLINK_NOFOLLOW))

    def do_chown(self, path, uid, gid):
        os.chown(self.path(path), int(uid), int(gid), follow_symlinks=False)

    def do_access(self, path, mode):
        check(libc.access(self.path(path), bits(mode, {'F': 0, 'R': 4, 'W': 2, 'X': 1})))

    def do_utimens(self, path, atime, mtime, follow=''):
        times = (Timespec * 2)(timespec(atime), timespec(mtime))
        check(libc.utimensat(AT_FDCWD, self.path(path), times,
                             AT_SYMLINK_NOFOLLOW if follow == 'NOFOLLOW' else 0))

    def do_futimens(self, fd, atime, mtime):
        check(libc.futimens(self.fds[fd], (Timespec * 2)(timespec(atime), timespec(mtime))))

    def do_times(self, path):
        st = os.lstat(self.path(path))
        return f'{show_time(st.st_atime_ns)} {show_time(st.st_mtime_ns)}'

    def stat_of(self, word):
        return os.fstat(self.fds[word]) if word in self.fds else os.lstat(self.path(word))

    def do_mtime(self, path):
        return show_time(os.lstat(self.path(path)).st_mtime_ns)

    def do_mark(self, word):
        """From now on `moved` tells which times moved; by then the coarsest clock has, too."""
        st = self.stat_of(word)
        self.marks[word] = st.st_mtime_ns, st.st_ctime_ns
        now = time.clock_gettime_ns(CLOCK_REALTIME_COARSE)
        while time.clock_gettime_ns(CLOCK_REALTIME_COARSE) == now:
            time.sleep(0.001)

    def do_moved(self, word):
        st = self.stat_of(word)
        mtime, ctime = self.marks[word]
        return ('m' * (st.st_mtime_ns != mtime) + 'c' * (st.st_ctime_ns != ctime)) or '-'

    def do_setxattr(self, path, name, value):
        os.setxattr(self.path(path), name, unpack(value), follow_symlinks=False)

    def do_getxattr(self, path, name):
        return pack(os.getxattr(self.path(path), name, follow_symlinks=False))

    def do_removexattr(self, path, name):
        os.removexattr(self.path(path), name, follow_symlinks=False)

    def do_listxattr(self, path):
        return ' '.join(os.listxattr(self.path(path), follow_symlinks=False)) or '-'

    # Mappings.

    def do_map(self, name, fd, n, how='SHARED'):
        flags = mmap.MAP_PRIVATE if how == 'PRIVATE' else mmap.MAP_SHARED
        prot = mmap.PROT_READ if how == 'READ' else mmap.PROT_READ | mmap.PROT_WRITE
        size = os.fstat(self.fds[fd]).st_size
        if not 0 < int(n) <= size:
            return 'beyond'
        new = mmap.mmap(self.fds[fd], int(n), flags=flags, prot=prot)
        if name in self.maps:
            self.maps[name].close()
        self.maps[name] = new
        return None

    def part(self, name, off, n):
        """The mapping and a range, unless it is beyond the mapping or the file, where a signal waits."""
        mapping, off = self.maps[name], int(off)
        return (None if off + n > min(len(mapping), mapping.size()) else mapping), off, off + n

    def do_put(self, name, data, off):
        data = unpack(data)
        mapping, begin, end = self.part(name, off, len(data))
        if not mapping:
            return 'beyond'
        try:
            mapping[begin:end] = data
        except TypeError as e:  # it may only be read
            raise OSError(errno.EFAULT, '') from e
        return None

    def do_get(self, name, n, off):
        mapping, begin, end = self.part(name, off, int(n))
        return pack(mapping[begin:end]) if mapping else 'beyond'

    def do_msync(self, name):
        self.maps[name].flush()

    def do_unmap(self, name):
        self.maps[name].close()
        del self.maps[name]

    # Locks.

    def do_flock(self, fd, how):
        fcntl.flock(self.fds[fd], bits(how, {'EX': fcntl.LOCK_EX, 'SH': fcntl.LOCK_SH,
                                             'UN': fcntl.LOCK_UN, 'NB': fcntl.LOCK_NB}))

    def lock(self, command, fd, kind, start, n):
        lock = struct.pack(FLOCK, LOCK[kind], os.SEEK_SET, int(start), int(n), 0)
        return struct.unpack(FLOCK, fcntl.fcntl(self.fds[fd], command, lock))

    def do_lock(self, fd, kind, start, n):
        self.lock(fcntl.F_SETLK, fd, kind, start, n)

    def do_lockwait(self, fd, kind, start, n):
        self.lock(fcntl.F_SETLKW, fd, kind, start, n)

    def do_getlock(self, fd, kind, start, n):
        kind, _, start, n, _ = self.lock(fcntl.F_GETLK, fd, kind, start, n)
        return 'none' if kind == fcntl.F_UNLCK else f'{"RD" if kind == fcntl.F_RDLCK else "WR"} {start} {n}'

    def do_ofdlock(self, fd, kind, start, n):
        self.lock(F_OFD_SETLK, fd, kind, start, n)

    # Oneself.

    def do_umask(self, mask):
        os.umask(int(mask, 8))

    def do_install(self, source, path, mode):
        shutil.copyfile(source, self.path(path))
        os.chmod(self.path(path), int(mode, 8))

    def do_exec(self, path):
        """The exit status of a program."""
        return subprocess.run([self.path(path)], check=False, timeout=60).returncode
