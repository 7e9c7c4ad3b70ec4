# SPDX-License-Identifier: GPL-2.0-or-later
"""A project of one size and everything that shows it: server, proxies, mounts, copies, rivals.

Everything lies in one folder of its own and is ended and removed with it. Each mount of storyfs has
an empty cache, unless it is given one, so that nothing is known before it is asked for.
"""
import contextlib
import os
import pathlib
import shutil
import tempfile
import urllib.request

from fsbench import programs, project, rivals
from fsbench.proxy import Proxy

SAMPLE = str(project.FIRST_STORY)
TMPFS = pathlib.Path('/dev/shm')


class World:
    def __init__(self, options, n_stories, results):
        self.options, self.n_stories, self.results = options, n_stories, results
        self.work = pathlib.Path(tempfile.mkdtemp(prefix=f'storyfs-bench-{n_stories}-',
                                                  dir=options.dir))
        self.env = {k: v for k, v in os.environ.items() if not k.startswith('STORYFS_')}
        self.env.update(XDG_CONFIG_HOME='/nonexistent', XDG_STATE_HOME=str(self.work / 'state'),
                        LC_ALL='C')
        self.expected = {}  # what each command counts, the same everywhere
        self.server, self.proxies, self.folders, self.rivals = None, {}, {}, {}
        self.n_mounts = self.n_logs = 0
        self.tmpfs = None

    # ---- the project ----

    def make(self):
        binary = self.options.storyfs
        dump = project.write_dump(self.work / 'dump', self.n_stories)
        self.archive = self.work / 'archive.db'
        programs.run([binary, 'import', dump, self.archive, '--owner', 'person1'], self.env)
        shutil.rmtree(dump)
        self.env['STORYFS_TOKEN'] = programs.run(
            [binary, 'user', 'token', self.archive], self.env).strip()
        self.server = programs.Server(binary, self.archive, self.log_path('serve'), self.env)
        for latency_ms in self.options.latency:
            self.proxies[latency_ms] = Proxy(self.server.port, latency_ms)

    def log_path(self, name):
        self.n_logs += 1
        return self.work / f'{name}-{self.n_logs}.log'

    def ask(self, method, path, body=None):
        """A request straight to the server; the answer's bytes, unpacked."""
        request = urllib.request.Request(
            f'http://127.0.0.1:{self.server.port}{path}', method=method, data=body,
            headers={'X-TrackerToken': self.env['STORYFS_TOKEN'],
                     'Content-Type': 'application/json'})
        with urllib.request.urlopen(request, timeout=programs.START_S) as answer:
            return answer.read()

    # ---- storyfs ----

    def new_cache(self):
        return pathlib.Path(tempfile.mkdtemp(prefix='cache-', dir=self.work))

    @contextlib.contextmanager
    def storyfs(self, *options, latency=0, archive=False, cache=None):
        """A mount over HTTP by a proxy, or of the archive itself; ended afterwards."""
        source = self.archive if archive else self.proxies[latency].url
        own_cache = None if cache else self.new_cache()
        self.n_mounts += 1
        path = self.work / f'mnt-{self.n_mounts}'
        mount = programs.Mount(
            [self.options.storyfs, 'mount', '-f', *options, source, path], path,
            self.log_path('mount'), {**self.env, 'XDG_CACHE_HOME': str(cache or own_cache)})
        try:
            yield mount
        finally:
            mount.end()
            path.rmdir()
            if own_cache:
                shutil.rmtree(own_cache)

    @staticmethod
    def stories(mount, number=project.PROJECT):
        return mount.path / 'projects' / str(number) / 'stories'

    def load(self, mount):
        """Let a mount fetch all it will need, while the kernel hears of one story only."""
        for folder, _, names in os.walk(self.stories(mount) / SAMPLE):
            for name in names:
                path = os.path.join(folder, name)
                if not os.path.islink(path):
                    pathlib.Path(path).read_bytes()

    # ---- the same tree elsewhere ----

    def copy(self, where):
        """The stories as a tree of plain files: on 'disk' or in 'tmpfs'."""
        if where in self.folders:
            return self.folders[where]
        if where == 'tmpfs':
            self.tmpfs = pathlib.Path(tempfile.mkdtemp(prefix='storyfs-bench-', dir=TMPFS))
            folder = self.tmpfs / 'stories'
            self.copy_tree(self.copy('disk'), folder)
        else:
            folder = self.work / 'copy' / 'stories'
            folder.parent.mkdir()
            with self.storyfs('--ro') as mount:
                self.copy_tree(self.stories(mount), folder)
        self.folders[where] = folder
        return folder

    @staticmethod
    def copy_tree(source, target):
        target.mkdir()
        programs.run(['sh', '-c', 'tar cf - -C "$1" . | tar xf - -C "$2"', 'sh', source, target])

    def n_entries(self):
        return self.expected['find']

    def get_rival(self, kind):
        if kind.id not in self.rivals:
            folder = self.work / f'rival-{kind.id}'
            folder.mkdir(exist_ok=True)
            try:
                self.rivals[kind.id] = kind(folder, self.n_entries())
            except rivals.Missing as why:
                self.results.missing[f'{kind.name}, {self.n_stories:,} stories'] = str(why)
                raise
        return self.rivals[kind.id]

    @contextlib.contextmanager
    def rival(self, kind, *options):
        """A rival's mount of the folder that holds the copy: links in the copy lead there. Missing
        when it cannot be."""
        argv = self.get_rival(kind).argv(self.copy('disk').parent, self.work / f'mnt-{kind.id}')
        mount = programs.Mount([*argv, *options], self.work / f'mnt-{kind.id}',
                               self.log_path(kind.id), self.env)
        try:
            yield mount
        finally:
            mount.end()
            mount.path.rmdir()

    # ---- the end ----

    def end(self):
        for rival in self.rivals.values():
            rival.end()
        for proxy in self.proxies.values():
            proxy.close()
        if self.server:
            self.server.end()
        if self.tmpfs:
            programs.run(['rm', '-rf', self.tmpfs])
        if not self.options.keep:
            # The mounts are gone; should one be left, it stays as it is.
            programs.run(['rm', '-rf', '--one-file-system', self.work])
