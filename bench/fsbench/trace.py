# SPDX-License-Identifier: GPL-2.0-or-later
"""How many requests of which kind the kernel sends, from what libfuse prints with -d.

Printing takes time, so nothing is timed here. RELEASE and FORGET come when the kernel finds time;
nobody waits for them, and those that came before the next command are counted with this one.
"""
import collections
import re
import time

from fsbench import programs, rivals, tree

OPCODE = re.compile(rb'unique: \d+, opcode: (\w+) \(')
QUIET_S = 0.1


def size_when_quiet(path):
    """The size of a log once nothing was added to it for a moment."""
    size = -1
    while size != (now := path.stat().st_size):
        size = now
        time.sleep(QUIET_S)
    return size


def count_opcodes(path, start, end):
    counts = collections.Counter()
    with open(path, 'rb') as f:
        f.seek(start)
        rest = b''
        while start < end:
            part = f.read(min(1 << 24, end - start))
            start += len(part)
            whole, _, rest = (rest + part).rpartition(b'\n')
            counts.update(m.decode('ascii') for m in OPCODE.findall(whole))
    return dict(counts)


def trace(world, subject, command):
    with subject.open(world, '-d') as (root, mount):
        start = size_when_quiet(mount.log_path)
        for state in ('cold', 'second', 'warm'):
            tree.count(world, subject, command, root)
            end = size_when_quiet(mount.log_path)
            counts = count_opcodes(mount.log_path, start, end)
            if not counts:
                raise programs.Failure(f'{subject.id} does not print requests with -d')
            world.results.counts[(world.n_stories, subject.id, command.id, 'trace ' + state)] = counts
            start = end
    mount.log_path.unlink()


def steps(options, n_stories):
    """Once, at the smallest size: the requests for a file do not depend on how many there are. Of the
    commands that are wanted; of all, when none is."""
    if 'trace' not in options.only or n_stories != min(options.stories):
        return []
    subjects = tree.OURS + [tree.RIVALS[kind.id] for kind in rivals.FAST if kind.id in options.against]
    return [(('requests of the kernel', f'{command.name}, {subject.id}'),
             lambda world, s=subject, c=command: trace(world, s, c))
            for command in tree.wanted(options) or tree.COMMANDS for subject in subjects]
