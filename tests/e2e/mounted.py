# SPDX-License-Identifier: GPL-2.0-or-later
"""A mount for a test: in the foreground, so that it is ended by its own id, and gone afterwards."""
import os
import subprocess
import time

import conftest
from mounts import is_mounted, unmount


class Mount:
    def __init__(self, source, path, *options, token=None, log=None, user=None, cache=None):
        path.mkdir(exist_ok=True)
        env = conftest.clean_env()
        # What another mount of the same source kept is for the tests that ask for it.
        env['XDG_CACHE_HOME'] = str(cache or path.parent / f'{path.name}.cache')
        who = {}
        if user:
            who = {'user': user, 'group': user, 'extra_groups': []}
            env['XDG_STATE_HOME'] = str(path.parent)
        if token:
            env['STORYFS_TOKEN'] = token
        self.path = path
        self.errors = open(log or path.parent / f'{path.name}.log', 'w+', encoding='utf-8')
        self.process = subprocess.Popen(
            [conftest.BIN, 'mount', '-f', str(source), str(path), *map(str, options)],
            env=env, stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors, **who)
        end = time.monotonic() + conftest.DEADLINE
        while not is_mounted(path):
            if self.process.poll() is not None or time.monotonic() > end:
                self.process.kill()
                raise AssertionError(f'no mount of {source}: {self.said()}')
            time.sleep(0.01)

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def __truediv__(self, name):
        return self.path / name

    def run(self, command, deadline=conftest.DEADLINE, **more):
        """A shell command in the mount."""
        return subprocess.run(['sh', '-c', command], cwd=self.path, capture_output=True,
                              text=True, timeout=deadline, check=False, **more)

    def stop(self):
        """Unmount; the exit status of the mount's process."""
        if is_mounted(self.path):
            subprocess.run(['fusermount3', '-u', str(self.path)], timeout=conftest.DEADLINE,
                           check=False)
        try:
            return self.process.wait(timeout=conftest.DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        finally:
            unmount(self.path)
            self.errors.close()


class Mounts:
    """Mounts things for one test and takes all of them away."""

    def __init__(self, folder):
        self.folder = folder
        self.mounts = []

    def __call__(self, source, *options, **more):
        mount = Mount(source, self.folder / f'mnt{len(self.mounts)}', *options, **more)
        self.mounts.append(mount)
        return mount

    def finish(self):
        codes = [m.stop() for m in self.mounts if m.process.poll() is None]
        said = [m.errors.name for m in self.mounts]
        assert all(code == 0 for code in codes), f'mounts ended with {codes}; see {said}'


def can_mount():
    return os.path.exists('/dev/fuse')
