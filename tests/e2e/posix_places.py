# SPDX-License-Identifier: GPL-2.0-or-later
"""Two directories in a mount, and two on ext4 to hold them against."""
import os
import pathlib
import shutil
import subprocess
import tempfile

import conftest
import mounted


class Places:
    """A mount of an archive, by a user; d and e are the directories of two stories."""

    def __init__(self, archive, user=None):
        # Not pytest's: nobody else may enter that.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix='storyfs-posix-'))
        self.folder.chmod(0o755)
        shutil.copy(archive, self.folder / 'a.db')
        self.elsewhere = {name: self.folder / 'elsewhere' / name for name in 'de'}
        for path in self.elsewhere.values():
            path.mkdir(parents=True)
        (self.folder / 'mnt').mkdir()
        if user:
            for path in (*self.folder.iterdir(), *self.elsewhere.values(), self.folder):
                os.chown(path, user, user)
        others = ',allow_other' if os.geteuid() == 0 and not user else ''
        self.mount = mounted.Mount(self.folder / 'a.db', self.folder / 'mnt', '-o',
                                   'umask=022' + others, user=user)
        stories = self.mount / 'projects/99/stories'
        self.here = {'d': stories / '555', 'e': stories / '556'}

    def is_on_ext4(self):
        found = subprocess.run(['stat', '-f', '-c', '%t', self.folder], check=True, text=True,
                               capture_output=True, timeout=conftest.DEADLINE)
        return found.stdout.strip() == 'ef53'

    def close(self):
        code = self.mount.stop()
        assert code == 0, f'the mount ended with {code}; see {self.mount.errors.name}'
        shutil.rmtree(self.folder)
