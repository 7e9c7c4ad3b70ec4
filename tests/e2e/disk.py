# SPDX-License-Identifier: GPL-2.0-or-later
"""A small disk of its own: a tmpfs that only what runs within it sees, and the tests through /proc."""
import errno
import os
import pathlib
import subprocess

DEADLINE = 60


class Disk:
    """self.within runs a command where self.folder is the disk; self.seen(name) is a file of it for the test."""

    def __init__(self, folder, size='3m'):
        folder.mkdir()
        self.folder = folder
        user = [] if os.geteuid() == 0 else ['--map-root-user']
        self.holder = subprocess.Popen(
            ['unshare', *user, '--mount', 'sh', '-c',
             'mount -t tmpfs -o "size=$1" tmpfs "$2" && echo ready && read -r end',
             'sh', size, str(folder)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.works = self.holder.stdout.readline() == 'ready\n'
        enter = [] if os.geteuid() == 0 else ['--user', '--preserve-credentials']
        self.within = ('nsenter', *enter, '--mount', '--target', str(self.holder.pid))

    def seen(self, name=''):
        return pathlib.Path(f'/proc/{self.holder.pid}/root{self.folder}') / name

    def fill(self):
        """Until no byte more can be written; what fills it is called `filler`."""
        with open(self.seen('filler'), 'ab', buffering=0) as f:
            for size in (1 << 16, 4096, 1):
                try:
                    while True:
                        f.write(bytes(size))
                except OSError as e:
                    assert e.errno == errno.ENOSPC

    def make_room(self):
        self.seen('filler').unlink()

    def make_read_only(self):
        subprocess.run([*self.within, 'mount', '-o', 'remount,ro', str(self.folder)], check=True,
                       timeout=DEADLINE)

    def close(self):
        self.holder.stdin.close()
        self.holder.stdout.close()
        self.holder.stderr.close()
        self.holder.wait(timeout=DEADLINE)
