# SPDX-License-Identifier: GPL-2.0-or-later
"""Files as POSIX and Linux have them, in memory: the calls of posix_calls.py that a random sequence is
made of, with the outcomes that they have on ext4."""
import errno
import os
import stat

from posix_calls import (FALLOC, RENAME, Named, Unopened, bits, describe_as, error_name, pack, show_time,
                         timespec, unpack)

MAX_NAME, MAX_LINKS = 255, 40
UMASK = 0o022
ANYTHING = '?'  # an outcome that is not foreseen, but no error


class Refused(Exception):
    def __init__(self, number):
        super().__init__(number)
        self.number = number


class File:
    def __init__(self, kind, mode, data=b''):
        self.kind, self.mode, self.data = kind, mode, bytearray(data)
        self.n_names = 0
        self.mtime = None  # ns, while it is what somebody set
        self.is_mapped = False  # was written by a mapping since it was last synced

    def describe(self):
        return describe_as(self.kind, self.mode, self.n_names, len(self.data))

    def changed(self):
        self.mtime = None


class Open:
    """An open file description."""

    def __init__(self, file, flags):
        self.file, self.at, self.flags = file, 0, flags
        access = flags & os.O_ACCMODE
        self.reads, self.writes = access != os.O_WRONLY, access != os.O_RDONLY


class Model:
    def __init__(self, places, is_root):
        self.dirs = {place: {} for place in places}
        self.is_root = is_root
        self.fds, self.maps = Named(), Named()

    def run(self, line):
        verb, *words = line.split()
        try:
            result = getattr(self, 'do_' + verb)(*words)
        except Refused as e:
            return error_name(e.number)
        except Unopened:
            return 'unopened'
        return 'ok' if result is None else str(result)

    def clear(self):
        self.__init__(self.dirs, self.is_root)

    # Names.

    def split(self, path):
        place, _, name = path.partition('/')
        name = unpack(name)
        if b'/' in name:
            raise Refused(errno.ENOENT)
        if len(name) > MAX_NAME:
            raise Refused(errno.ENAMETOOLONG)
        return self.dirs[place], name

    def find(self, path):
        """The file itself, if it is a link."""
        names, name = self.split(path)
        if name not in names:
            raise Refused(errno.ENOENT)
        return names[name]

    def follow(self, path):
        """Where the path leads: names, the name in them, and the file or None."""
        names, name = self.split(path)
        for _ in range(MAX_LINKS + 1):
            file = names.get(name)
            if not file or file.kind != 'link':
                return names, name, file
            name = bytes(file.data)
        raise Refused(errno.ELOOP)

    def found(self, path):
        file = self.follow(path)[2]
        if not file:
            raise Refused(errno.ENOENT)
        return file

    @staticmethod
    def bind(names, name, file):
        assert name not in names
        names[name] = file
        file.n_names += 1

    @staticmethod
    def unbind(names, name):
        names.pop(name).n_names -= 1

    def permit(self, file, wanted):
        if not self.is_root and wanted & ~(file.mode >> 6):
            raise Refused(errno.EACCES)

    def do_open(self, fd, path, flags, mode='644'):
        flags = bits(flags, 'O_')
        opened = Open(None, flags)
        names, name = self.split(path)
        there = names.get(name)
        if there and flags & os.O_CREAT and flags & os.O_EXCL:
            raise Refused(errno.EEXIST)
        if there and there.kind == 'link' and flags & os.O_NOFOLLOW:
            raise Refused(errno.ELOOP)
        names, name, file = self.follow(path)
        if file:
            self.permit(file, 4 * opened.reads | 2 * (opened.writes or bool(flags & os.O_TRUNC)))
        elif flags & os.O_CREAT:
            file = File('file', int(mode, 8) & ~UMASK)
            self.bind(names, name, file)
        else:
            raise Refused(errno.ENOENT)
        if flags & os.O_TRUNC:
            file.data.clear()
            file.changed()
        opened.file = file
        self.fds[fd] = opened

    def do_rename(self, old, new, flags=None):
        flags = bits(flags, RENAME) if flags else 0
        (names, name), (new_names, new_name) = self.split(old), self.split(new)
        if name not in names:
            raise Refused(errno.ENOENT)
        if new_name in new_names and flags & RENAME['NOREPLACE']:
            raise Refused(errno.EEXIST)
        if flags & RENAME['EXCHANGE']:
            if new_name not in new_names:
                raise Refused(errno.ENOENT)
            names[name], new_names[new_name] = new_names[new_name], names[name]
            return
        file = names[name]
        if new_names.get(new_name) is file:
            return
        if new_name in new_names:
            self.unbind(new_names, new_name)
        self.unbind(names, name)
        self.bind(new_names, new_name, file)

    def do_link(self, old, new):
        file = self.find(old)
        self.make(new, file)

    def do_symlink(self, target, path):
        self.make(path, File('link', 0o777, unpack(target)))

    def make(self, path, file):
        names, name = self.split(path)
        if name in names:
            raise Refused(errno.EEXIST)
        self.bind(names, name, file)

    def do_readlink(self, path):
        file = self.find(path)
        if file.kind != 'link':
            raise Refused(errno.EINVAL)
        return pack(file.data)

    def do_unlink(self, path):
        self.find(path)
        self.unbind(*self.split(path))

    def do_list(self, place):
        return ' '.join(map(pack, sorted(self.dirs[place]))) or '-'

    # Attributes.

    def do_stat(self, path):
        return self.find(path).describe()

    def do_fstat(self, fd):
        return self.fds[fd].file.describe()

    def do_inode(self, path, fd):
        return 'same' if self.find(path) is self.fds[fd].file else 'another'

    def do_chmod(self, path, mode):
        self.found(path).mode = int(mode, 8)

    def do_fchmod(self, fd, mode):
        self.fds[fd].file.mode = int(mode, 8)

    def do_utimens(self, path, atime, mtime):
        del atime
        file, time = self.found(path), timespec(mtime)
        # What is still to be written back moves it again, some time.
        file.mtime = None if file.is_mapped else time.sec * 10**9 + time.nsec

    def do_mtime(self, path):
        file = self.find(path)
        return ANYTHING if file.mtime is None else show_time(file.mtime)

    # Bytes.

    def do_close(self, fd):
        self.fds[fd]
        del self.fds[fd]

    def do_dup(self, fd, new):
        self.fds[new] = self.fds[fd]

    def get(self, fd, right):
        opened = self.fds[fd]
        if not getattr(opened, right):
            raise Refused(errno.EBADF)
        return opened

    def do_read(self, fd, n):
        opened = self.get(fd, 'reads')
        data = opened.file.data[opened.at:opened.at + int(n)]
        opened.at += len(data)
        return pack(data)

    def do_pread(self, fd, n, off):
        return pack(self.get(fd, 'reads').file.data[int(off):int(off) + int(n)])

    def do_cat(self, path):
        file = self.found(path)
        self.permit(file, 4)
        return pack(file.data)

    @staticmethod
    def resize(file, size):
        del file.data[size:]
        file.data.extend(bytes(size - len(file.data)))

    def put(self, file, data, off):
        if data:
            self.resize(file, max(len(file.data), off + len(data)))
            file.data[off:off + len(data)] = data
            file.changed()

    def write(self, opened, data, off):
        """Where the write ended; nothing written leaves the place as it is."""
        if data and opened.flags & os.O_APPEND:
            off = len(opened.file.data)
        self.put(opened.file, data, off)
        return off + len(data)

    def do_write(self, fd, data):
        opened, data = self.get(fd, 'writes'), unpack(data)
        opened.at = self.write(opened, data, opened.at)
        return len(data)

    def do_pwrite(self, fd, data, off):
        opened, data = self.get(fd, 'writes'), unpack(data)
        self.write(opened, data, int(off))
        return len(data)

    def do_seek(self, fd, off, whence):
        opened = self.fds[fd]
        at = int(off) + {'SET': 0, 'CUR': opened.at, 'END': len(opened.file.data)}[whence]
        if at < 0:
            raise Refused(errno.EINVAL)
        opened.at = at
        return at

    def do_ftruncate(self, fd, size):
        opened = self.fds[fd]
        if not opened.writes:
            raise Refused(errno.EINVAL)
        self.resize(opened.file, int(size))
        opened.file.changed()

    def do_truncate(self, path, size):
        file = self.found(path)
        self.permit(file, 2)
        self.resize(file, int(size))
        file.changed()

    def do_fallocate(self, fd, mode, off, length):
        mode = 0 if mode == '0' else bits(mode, FALLOC)
        file, off, end = self.get(fd, 'writes').file, int(off), int(off) + int(length)
        if not mode & FALLOC['KEEP_SIZE'] and end > len(file.data):
            self.resize(file, end)
        if mode & (FALLOC['PUNCH_HOLE'] | FALLOC['ZERO_RANGE']):
            end = min(end, len(file.data))
            file.data[off:end] = bytes(max(end - off, 0))
        file.changed()

    def do_copy(self, source, off, target, at, n):
        from_, to, off, at = self.fds[source], self.fds[target], int(off), int(at)
        if not from_.reads or not to.writes or to.flags & os.O_APPEND:
            raise Refused(errno.EBADF)
        n = min(int(n), max(len(from_.file.data) - off, 0))
        if from_.file is to.file and at + n > off and at < off + n:
            raise Refused(errno.EINVAL)
        self.put(to.file, bytes(from_.file.data[off:off + n]), at)
        return n

    def do_fsync(self, fd):
        self.fds[fd].file.is_mapped = False

    # Mappings.

    def do_map(self, name, fd, n, how='SHARED'):
        opened = self.fds[fd]
        if not 0 < int(n) <= len(opened.file.data):
            return 'beyond'
        if not opened.reads or (how == 'SHARED' and not opened.writes):
            raise Refused(errno.EACCES)
        self.maps[name] = opened.file, int(n), how
        return None

    def part(self, name, off, n):
        file, length, _ = self.maps[name]
        return None if off + n > min(length, len(file.data)) else file

    def do_put(self, name, data, off):
        data = unpack(data)
        file = self.part(name, int(off), len(data))
        if not file:
            return 'beyond'
        if self.maps[name][2] == 'READ':
            raise Refused(errno.EFAULT)
        file.data[int(off):int(off) + len(data)] = data
        file.changed()
        file.is_mapped = True
        return None

    def do_get(self, name, n, off):
        file = self.part(name, int(off), int(n))
        return pack(file.data[int(off):int(off) + int(n)]) if file else 'beyond'

    def do_msync(self, name):
        self.maps[name][0].is_mapped = False

    def do_unmap(self, name):
        self.maps[name]
        del self.maps[name]

    def content(self, file):
        if file.kind == 'link':
            return os.fsdecode(bytes(file.data))
        return pack(file.data) if self.is_root or file.mode & stat.S_IRUSR else 'EACCES'

    def state(self):
        return [f'{place}/{os.fsdecode(name)}: {file.describe()} {self.content(file)}'
                for place, names in self.dirs.items() for name, file in sorted(names.items())]
