# SPDX-License-Identifier: GPL-2.0-or-later
"""Random sequences of calls, what the model says comes of them, and the shortest part of one that goes
another way in some place."""
import os
import random
import time

import posix_calls
import posix_model

N_ROUND = 500  # calls on what is empty at first; what fails is looked for in as many
N_LOOK = 40  # calls between two looks at all there is
SHORTEN_S = 60

NAMES = [f'{place}/{name}' for place in 'de' for name in ('a', 'b', 'c')]
ODD_NAMES = ['d/' + 'n*255', 'd/' + 'n*256', 'd/none/x', 'e/\\s\\n']
TARGETS = ['a', 'b', 'c', 'nowhere']
FDS = [f'f{i}' for i in range(6)]
MAPS = ['m0', 'm1']
MODES = ['644', '600', '444', '755', '0', '666']
ACCESS = ['RDONLY', 'WRONLY', 'RDWR', 'RDWR', 'RDWR']
MORE_FLAGS = ['CREAT', 'CREAT', 'CREAT|EXCL', 'TRUNC', 'CREAT|TRUNC', 'APPEND', 'CREAT|APPEND', 'NOFOLLOW']
ALLOCATE = ['0', 'KEEP_SIZE', 'PUNCH_HOLE|KEEP_SIZE', 'ZERO_RANGE', 'ZERO_RANGE|KEEP_SIZE']


class Writer:
    """Makes up lines: those of a shape, where a word is what a method of that name makes up."""

    def __init__(self, seed, model):
        self.random, self.model = random.Random(seed), model
        self.size = 0

    def one(self, choices):
        return self.random.choice(choices)

    def mostly(self, choices, others, share=0.9):
        return self.one(choices if choices and self.random.random() < share else others)

    def name(self):
        return self.mostly(NAMES, ODD_NAMES, 0.95)

    def plain(self):
        """A name that can be one."""
        return self.one(NAMES)

    def there(self):
        """One that most often is."""
        names = [n for n in NAMES if n.partition('/')[2].encode() in self.model.dirs[n[0]]]
        return self.mostly(names, NAMES, 0.8)

    def place(self):
        return self.one('de')

    def fd(self):
        fd = self.mostly(list(self.model.fds), FDS)
        self.size = len(self.model.fds[fd].file.data) if fd in self.model.fds else 0
        return fd

    def new_fd(self):
        return self.one([fd for fd in FDS if fd not in self.model.fds])

    def mapping(self):
        mapping = self.mostly(list(self.model.maps), MAPS)
        self.size = self.model.maps[mapping][1] if mapping in self.model.maps else 0
        return mapping

    def new_mapping(self):
        return self.one([m for m in MAPS if m not in self.model.maps])

    def inside(self):
        """A place in the file or mapping that was named last, most often."""
        return self.mostly([self.random.randrange(self.size + 1)], [self.number()])

    def number(self):
        return self.one([self.random.randrange(20), self.random.randrange(20),
                         4096 + self.random.randrange(-3, 4), self.random.randrange(20000)])

    def some(self):
        return self.number() + 1

    def few(self):
        return f'{self.one("stuvwxyz")}*{self.random.randrange(1, 20)}'

    def signed(self):
        return self.number() * self.one([1, 1, -1])

    def data(self):
        n = self.number()
        return f'{self.one("abcdefgh")}*{n}' if n else '-'

    def flags(self):
        return self.one(ACCESS) + ''.join('|' + more for more in [self.one(MORE_FLAGS)]
                                          if self.random.random() < 0.8)

    def mode(self):
        return self.one(MODES)

    def target(self):
        return self.one(TARGETS)

    def whence(self):
        return self.one(['SET', 'CUR', 'END'])

    def renaming(self):
        return self.one(['', '', '', 'NOREPLACE', 'EXCHANGE'])

    def allocating(self):
        return self.one(ALLOCATE)

    def sharing(self):
        return self.one(['SHARED', 'SHARED', 'READ'])

    def when(self):
        return f'{self.random.randrange(-10, 2 * 10**9)}.{self.random.randrange(10**9):09}'

    def line(self):
        verb, *words = self.random.choices(list(SHAPES), SHAPES.values())[0].split()
        if 'new_fd' in words and len(self.model.fds) == len(FDS):
            return f'close {self.one(FDS)}'
        if 'new_mapping' in words and len(self.model.maps) == len(MAPS):
            return f'unmap {self.one(MAPS)}'
        return ' '.join([verb, *(str(getattr(self, word)()) for word in words)]).strip()


# How often which call is made.
SHAPES = {
    'open new_fd name flags mode': 14, 'close fd': 4, 'dup fd new_fd': 1,
    'write fd data': 8, 'pwrite fd data number': 6, 'read fd number': 5, 'pread fd number number': 5,
    'seek fd signed whence': 4, 'ftruncate fd number': 3, 'truncate plain number': 3,
    'fallocate fd allocating number some': 3, 'copy fd number fd number number': 3, 'fsync fd': 1,
    'rename there plain renaming': 6, 'link there name': 3, 'symlink target name': 2, 'unlink there': 3,
    'readlink there': 2, 'list place': 1, 'stat name': 4, 'fstat fd': 4, 'inode there fd': 2, 'cat there': 3,
    'chmod there mode': 2, 'fchmod fd mode': 2, 'utimens there when when': 2, 'mtime there': 3,
    'map new_mapping fd inside sharing': 5, 'put mapping few inside': 6, 'get mapping number inside': 4,
    'msync mapping': 1, 'unmap mapping': 1,
}


class Difference(Exception):
    """A sequence whose last line has another outcome than the model says."""

    def __init__(self, lines, expected, found):
        super().__init__('\n'.join([*lines, f'# -> {found}, not {expected}']))
        self.lines = lines


def new_model():
    return posix_model.Model('de', os.geteuid() == 0)


def make(seed):
    """The lines of one round."""
    model, lines = new_model(), []
    writer = Writer(seed, model)
    while len(lines) < N_ROUND:
        line = writer.line()
        model.run(line)
        lines.append(line)
    return lines


def run(lines, places):
    """Carry them out in the places and in the model; Difference at the first that differs."""
    model, calls = new_model(), posix_calls.Calls(places)
    try:
        for i, line in enumerate(lines):
            expected, found = model.run(line), calls.run(line)
            if found != expected and (expected != posix_model.ANYTHING or found.startswith('E')):
                raise Difference(lines[:i + 1], expected, found)
            if (i + 1) % N_LOOK == 0 or i + 1 == len(lines):
                expected, found = model.state(), calls.state()
                if expected != found:
                    raise Difference(lines[:i + 1], expected, found)
    finally:
        calls.clear()


def fails(lines, places):
    try:
        run(lines, places)
    except Difference as e:
        return e
    return None


def shorten(difference, places):
    """The difference with the fewest lines that some time is enough to find."""
    end, size = time.monotonic() + SHORTEN_S, len(difference.lines) // 2
    while size and time.monotonic() < end:
        at = 0
        while at < len(difference.lines) and time.monotonic() < end:
            shorter = fails(difference.lines[:at] + difference.lines[at + size:], places)
            if shorter and len(shorter.lines) < len(difference.lines):
                difference = shorter
            else:
                at += size
        size //= 2
    return difference


def check(seed, n_calls, places):
    """Rounds until so many calls were made; a text about the first difference, or None."""
    for i in range(max(n_calls // N_ROUND, 1)):
        difference = fails(make(f'{seed}/{i}'), places)
        if difference:
            return f'seed {seed}, round {i}:\n{shorten(difference, places)}'
    return None
