#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Looks at files of a mount, over and over, in one way, and tells what it saw when that is new.

usage: stale_observer.py VIEW PAUSE_S

Standard input: a line of JSON each, ["watch", path] or ["forget", path]; its end ends the process.
Standard output: [path, when the look began, when it ended, value], and each BEAT_S
[null, now, the longest look so far]. Times are of CLOCK_MONOTONIC.

A text that describes itself (`make_text`) is told as [serial, length]. What is not whole, or has another
size than its bytes, is looked at again for WHOLE_S: ["passing", ...] when it became whole, else
["torn", ...] or ["size", ...].
"""
import ctypes
import hashlib
import json
import mmap
import os
import re
import select
import sys
import time

libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
MAP_FAILED = ctypes.c_void_p(-1).value
BEAT_S = 0.5
WHOLE_S = 5
AGAIN_S = 0.01
MAPPED = 2 * mmap.PAGESIZE
HEADER = re.compile(rb'(\d{8}) (\d{6}) ([0-9a-f]{8}) ')


def digest(body):
    return hashlib.md5(body).hexdigest()[:8]


def make_text(serial, body):
    """A text that tells its serial, its length in bytes and a digest."""
    data = body.encode()
    length = len(data) + 8 + 1 + 6 + 1 + 8 + 1
    return f'{serial:08d} {length:06d} {digest(data)} {body}'


def parse(data, whole=True):
    """[serial, length] of such a text, None when it is none. Not whole: it stands in another."""
    found = HEADER.search(data)
    if not found or (whole and found.start()):
        return None
    length = int(found[2])
    text = data[found.start():found.start() + length]
    if len(text) != length or digest(text[found.end() - found.start():]) != found[3].decode():
        return None
    if whole and data[length:] != b'\n':
        return None
    return [int(found[1]), length]


class Look:
    """One file, seen in one way."""

    def __init__(self, path):
        self.path = path
        self.last = None

    def once(self):
        """What is there, and what is wrong with it or None."""
        raise NotImplementedError

    def end(self):
        pass

    def value(self):
        try:
            value, wrong = first = self.once()
            until = time.monotonic() + WHOLE_S
            while wrong and time.monotonic() < until:
                time.sleep(AGAIN_S)
                if not self.once()[1]:
                    return ['passing', *first]
            return wrong or value
        except OSError as e:
            return ['errno', e.errno]


def is_same(a, b):
    return (a.st_size, a.st_mtime_ns) == (b.st_size, b.st_mtime_ns)


def read(path):
    """Its bytes, and what is wrong with their number."""
    with open(path, 'rb', buffering=0) as f:
        before = os.fstat(f.fileno())
        data = f.readall()
        after = os.fstat(f.fileno())
    wrong = is_same(before, after) and len(data) != after.st_size
    return data, ['size', len(data), after.st_size] if wrong else None


class Stat(Look):
    def once(self):
        st = os.stat(self.path)
        return [st.st_size, st.st_mtime_ns], None


class Text(Look):
    """Of a text that describes itself."""
    whole = True

    def bytes(self):
        return read(self.path)

    def parsed(self, data):
        return parse(data, self.whole)

    def once(self):
        data, wrong = self.bytes()
        found = self.parsed(data)
        return found, wrong or (None if found else ['torn', len(data), data[:40].decode('utf-8', 'replace')])


class Cat(Text):
    pass


class Descriptor(Text):
    """Opened once; nothing but reads after that."""

    def __init__(self, path):
        super().__init__(path)
        self.fd = os.open(path, os.O_RDONLY)

    def bytes(self):
        return os.pread(self.fd, 1 << 17, 0), None

    def end(self):
        os.close(self.fd)


class Mapping(Text):
    """Mapped once; nothing but looks into memory after that. Its texts have two pages."""

    def __init__(self, path):
        super().__init__(path)
        with open(path, 'rb') as f:  # Python's own mmap has no more than the file had then
            self.address = libc.mmap(None, MAPPED, mmap.PROT_READ, mmap.MAP_SHARED, f.fileno(), 0)
        assert self.address != MAP_FAILED, os.strerror(ctypes.get_errno())

    def bytes(self):
        return ctypes.string_at(self.address, MAPPED).rstrip(b'\0'), None

    def end(self):
        libc.munmap(self.address, MAPPED)


class Document(Text):
    """The text stands in a longer one."""
    whole = False


class Json(Text):
    def parsed(self, data):
        try:
            return parse(json.loads(data)['description'].encode() + b'\n')
        except ValueError:
            return None


class Plain(Look):
    def once(self):
        data, wrong = read(self.path)
        return data.decode('utf-8', 'replace'), wrong


class Listing(Look):
    def once(self):
        return sorted(os.listdir(self.path)), None


class OpenListing(Listing):
    """By one descriptor, from the beginning each time."""

    def __init__(self, path):
        super().__init__(path)
        self.fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY)

    def once(self):
        return sorted(os.listdir(self.fd)), None

    def end(self):
        os.close(self.fd)


VIEWS = {'stat': Stat, 'cat': Cat, 'descriptor': Descriptor, 'mmap': Mapping, 'document': Document,
         'json': Json, 'plain': Plain, 'list': Listing, 'opendir': OpenListing}


def say(*what):
    sys.stdout.write(json.dumps(what) + '\n')
    sys.stdout.flush()


class Commands:
    def __init__(self):
        self.rest = b''
        os.set_blocking(0, False)

    def take(self, pause):
        """What was asked for within the pause; None at the end."""
        if not select.select([0], [], [], pause)[0]:
            return []
        data = os.read(0, 1 << 16)
        if not data:
            return None
        *lines, self.rest = (self.rest + data).split(b'\n')
        return [json.loads(line) for line in lines]


def main(view, pause):
    watched, commands, beat, longest = {}, Commands(), 0, 0
    while (asked := commands.take(pause)) is not None:
        for what, path in asked:
            if what == 'watch':
                watched[path] = VIEWS[view](path)
            elif path in watched:
                watched.pop(path).end()
        for path, look in watched.items():
            began = time.monotonic()
            value = look.value()
            ended = time.monotonic()
            longest = max(longest, ended - began)
            if value != look.last:
                look.last = value
                say(path, began, ended, value)
        if time.monotonic() > beat:
            beat = time.monotonic() + BEAT_S
            say(None, time.monotonic(), longest)


if __name__ == '__main__':
    main(sys.argv[1], float(sys.argv[2]))
