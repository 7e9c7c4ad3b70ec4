# SPDX-License-Identifier: GPL-2.0-or-later
"""What storyfs is held against: other filesystems that show a folder, at their best.

Each has caches that last an hour, as long as any measure. A rival that cannot run here says why
(Missing), and the report does.
"""
import getpass
import os
import pathlib
import resource
import socket

from fsbench import programs

EXAMPLE = pathlib.Path('/usr/share/doc/libfuse3-dev/examples/passthrough_ll.c')
HOUR = 3600

# libfuse's example finds an inode by walking a list of all of them. Beyond some thousand files that
# is all one would measure, so here it walks the list of those that share 20 bits of its number.
BUCKETS = '''
static struct lo_inode buckets[1 << 20];

static struct lo_inode *bucket_of(ino_t ino)
{
	struct lo_inode *b = &buckets[ino & ((1 << 20) - 1)];

	if (!b->next)
		b->next = b->prev = b;
	return b;
}

static struct lo_inode *lo_find('''
CHANGES = [
    ('static struct lo_inode *lo_find(', BUCKETS, 1),
    ('for (p = lo->root.next; p != &lo->root; p = p->next) {',
     'for (p = bucket_of(st->st_ino)->next; p != bucket_of(st->st_ino); p = p->next) {', 1),
    ('prev = &lo->root;', 'prev = bucket_of(inode->ino);', 1),
]


class Missing(Exception):
    """Why a rival is not here."""


def need(*names):
    for name in names:
        if not programs.has(name):
            raise Missing(f'{name} is not installed (packaging/install-deps bench)')


def free_port():
    with socket.create_server(('127.0.0.1', 0)) as s:
        return s.getsockname()[1]


class Passthrough:
    """libfuse's passthrough_ll, built here from Debian's copy of its source."""
    id, name = 'passthrough', 'passthrough_ll'

    def __init__(self, work, n_entries):
        if not EXAMPLE.exists():
            raise Missing(f'{EXAMPLE} is not there: libfuse3-dev of this system ships no examples')
        need('cc', 'pkg-config')
        self.limit = self.find_limit(n_entries)
        self.binary = work / 'passthrough_ll'
        if not self.binary.exists():
            self.build(work)

    @staticmethod
    def find_limit(n_entries):
        """It holds a descriptor for each inode that the kernel knows."""
        need_n, hard = n_entries + 1000, resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        most = int(pathlib.Path('/proc/sys/fs/nr_open').read_text('ascii'))
        if need_n > (most if os.geteuid() == 0 else hard):
            raise Missing(f'it needs a descriptor for each of {n_entries:,} entries')
        return max(need_n, 1024)

    def build(self, work):
        text = EXAMPLE.read_text('utf-8')
        for old, new, n in CHANGES:
            if text.count(old) != n:
                raise Missing(f'{EXAMPLE} is of another version: no `{old}`')
            text = text.replace(old, new)
        source = work / 'passthrough_ll.c'
        source.write_text(text, encoding='utf-8')
        flags = programs.run(['pkg-config', '--cflags', '--libs', 'fuse3']).split()
        programs.run(['cc', '-O2', '-w', f'-I{EXAMPLE.parent}', source, '-o', self.binary, *flags])

    def argv(self, folder, mountpoint):
        return ['prlimit', f'--nofile={self.limit}:{self.limit}', self.binary, '-f', '-o',
                f'source={folder},cache=always,timeout={HOUR}', mountpoint]

    def end(self):
        pass


class Sshfs:
    """sshfs over an sshd of our own on the loopback, with keys and a configuration of its own."""
    id, name = 'sshfs', 'sshfs'

    def __init__(self, work, _n_entries):
        need('sshfs', 'sshd', 'ssh-keygen')
        self.folder = work / 'ssh'
        self.folder.mkdir(mode=0o700)
        for key in ('host', 'user'):
            programs.run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', self.folder / key])
        self.port = free_port()
        self.sshd = self.start()

    def start(self):
        if os.geteuid() == 0:
            pathlib.Path('/run/sshd').mkdir(mode=0o755, exist_ok=True)  # where sshd locks itself in
        config = self.folder / 'sshd_config'
        config.write_text(
            f'Port {self.port}\nListenAddress 127.0.0.1\nHostKey {self.folder}/host\n'
            f'AuthorizedKeysFile {self.folder}/user.pub\nPidFile none\nStrictModes no\n'
            'UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n'
            'Subsystem sftp internal-sftp\n', encoding='utf-8')
        (self.folder / 'known').write_text(
            f'[127.0.0.1]:{self.port} ' + (self.folder / 'host.pub').read_text('utf-8'), 'utf-8')
        sshd = programs.Service([programs.has('sshd'), '-D', '-e', '-f', config],
                                self.folder / 'sshd.log')
        try:
            sshd.wait_for(lambda: 'listening' in sshd.said())
        except programs.Failure as e:
            raise Missing(str(e)) from e
        return sshd

    def argv(self, folder, mountpoint):
        options = {'IdentityFile': self.folder / 'user', 'UserKnownHostsFile': self.folder / 'known',
                   'entry_timeout': HOUR, 'attr_timeout': HOUR, 'dcache_timeout': HOUR,
                   'dcache_max_size': 10_000_000}
        words = [f'{k}={v}' for k, v in options.items()]
        return ['sshfs', '-f', '-F', '/dev/null', '-p', self.port, '-o',
                ','.join(['kernel_cache', *words]),
                f'{getpass.getuser()}@127.0.0.1:{folder}', mountpoint]

    def end(self):
        self.sshd.end()


class Rclone:
    """rclone's mount of the folder itself: nothing but rclone lies between."""
    id, name = 'rclone', 'rclone mount'

    def __init__(self, work, _n_entries):
        need('rclone')
        self.folder = work / 'rclone'
        self.folder.mkdir()
        self.n_mounts = 0

    def argv(self, folder, mountpoint):
        self.n_mounts += 1
        cache = self.folder / f'cache{self.n_mounts}'
        return ['rclone', 'mount', '-q', '--links', '--config', '', '--cache-dir', cache,
                '--vfs-cache-mode', 'full', '--dir-cache-time', '1h', '--attr-timeout', '1h',
                folder, mountpoint]

    def end(self):
        pass


ALL = [Passthrough, Sshfs, Rclone]
