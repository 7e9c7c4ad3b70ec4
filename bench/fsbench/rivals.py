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

EXAMPLES = pathlib.Path('/usr/share/doc/libfuse3-dev/examples')
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
HASHED = [
    ('static struct lo_inode *lo_find(', BUCKETS),
    ('for (p = lo->root.next; p != &lo->root; p = p->next) {',
     'for (p = bucket_of(st->st_ino)->next; p != bucket_of(st->st_ino); p = p->next) {'),
    ('prev = &lo->root;', 'prev = bucket_of(inode->ino);'),
]
# The other example would have the kernel ask again each time.
KEPT = [
    ('cfg->entry_timeout = 0;', f'cfg->entry_timeout = {HOUR};'),
    ('cfg->attr_timeout = 0;', f'cfg->attr_timeout = {HOUR};'),
    ('cfg->negative_timeout = 0;', f'cfg->negative_timeout = {HOUR}; cfg->kernel_cache = 1;'),
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


def build_example(name, changes, work):
    """One of libfuse's examples, from Debian's copy of its source with some changes."""
    source = EXAMPLES / f'{name}.c'
    if not source.exists():
        raise Missing(f'{source} is not there: libfuse3-dev of this system ships no examples')
    need('cc', 'pkg-config')
    text = source.read_text('utf-8')
    for old, new in changes:
        if text.count(old) != 1:
            raise Missing(f'{source} is of another version: no `{old}`')
        text = text.replace(old, new)
    changed, binary = work / source.name, work / name
    changed.write_text(text, encoding='utf-8')
    flags = programs.run(['pkg-config', '--cflags', '--libs', 'fuse3']).split()
    programs.run(['cc', '-O2', '-w', f'-I{EXAMPLES}', changed, '-o', binary, *flags])
    return binary


class PassthroughLl:
    """libfuse's passthrough_ll, which speaks the protocol that storyfs speaks."""
    id, name = 'passthrough_ll', 'passthrough_ll'

    def __init__(self, work, n_entries):
        self.limit = n_entries + 1000  # it holds a descriptor for each inode that the kernel knows
        try:
            programs.run([*self.with_limit(), 'true'])
        except programs.Failure as e:
            raise Missing(f'it needs a descriptor for each of {n_entries:,} entries, more than '
                          'this process may allow it') from e
        self.binary = build_example('passthrough_ll', HASHED, work)

    def with_limit(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        enough = hard == resource.RLIM_INFINITY or self.limit <= hard
        most = '' if enough else self.limit
        return ['prlimit', f'--nofile={self.limit}:{most}']

    def argv(self, folder, mountpoint):
        return [*self.with_limit(), self.binary, '-f', '-o',
                f'source={folder},cache=always,timeout={HOUR}', mountpoint]

    def end(self):
        pass


class PassthroughFh:
    """libfuse's passthrough_fh, over its high-level interface: it works by paths."""
    id, name = 'passthrough_fh', 'passthrough_fh'

    def __init__(self, work, _n_entries):
        self.binary = build_example('passthrough_fh', KEPT, work)

    def argv(self, folder, mountpoint):
        return [self.binary, '-f', '-o', f'modules=subdir,subdir={folder}', mountpoint]

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
        self.help = programs.run(['sshfs', '--help'])
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
        words = ['kernel_cache', *(f'{k}={v}' for k, v in options.items())]
        if 'no_contain_symlinks' in self.help:  # the tree's links hold `..`, which it then refuses
            words.append('no_contain_symlinks')
        return ['sshfs', '-f', '-F', '/dev/null', '-p', self.port, '-o',
                ','.join(words), f'{getpass.getuser()}@127.0.0.1:{folder}', mountpoint]

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


# The latter take long.
FAST, SLOW = [PassthroughLl, PassthroughFh], [Sshfs, Rclone]
ALL = FAST + SLOW
