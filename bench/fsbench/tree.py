# SPDX-License-Identifier: GPL-2.0-or-later
"""Commands over the tree of stories, the same in all that show it.

States, by what is known before the command runs:
  cold   a new mount with an empty cache: storyfs fetches all over HTTP. On disk: the kernel's caches
         were dropped. A rival: a new mount of its own; what lies below it is warm.
  first  a new mount of storyfs that has fetched all, while the kernel knows nothing of it
  second the same command once more: the kernel asks again when each directory was read
  warm   and once more
"""
import collections
import contextlib
import random

from fsbench import programs, project, rivals

N_CATS = 1000

Command = collections.namedtuple('Command', 'id name shell')
# rclone shows a link as a file that holds its target; all else counts the same everywhere.
COMMANDS = [
    Command('find', 'find', 'find . | wc -l'),
    Command('ls', 'ls -lR', 'ls -lR . | wc -l'),
    Command('grep', 'grep -r', f'grep -r {project.NEEDLE} . | wc -l'),
    Command('rg', 'rg', f'rg -uu {project.NEEDLE} . | wc -l'),
    Command('tar', 'tar', 'tar cf - . | wc -c'),
    Command('cat', '1,000 cats', 'xargs -n1 cat <"$CATS" | wc -c'),
]
NAMES = {c.id: c.name for c in COMMANDS}
COUNTS_DIFFER = {('rclone', 'tar')}


# ---- subjects of the tree ----

class Folder:
    """Plain files."""
    def __init__(self, id_):
        self.id = id_

    @contextlib.contextmanager
    def open(self, world):
        yield world.copy(self.id), None


class Rival:
    def __init__(self, kind):
        self.id, self.kind = kind.id, kind

    @contextlib.contextmanager
    def open(self, world, *more):
        with world.rival(self.kind, *more) as mount:
            yield mount.path / 'stories', mount


class Storyfs:
    def __init__(self, id_, *options):
        self.id, self.options = id_, options

    @contextlib.contextmanager
    def open(self, world, *more):
        with world.storyfs(*self.options, *more) as mount:
            yield world.stories(mount), mount


OURS = [Storyfs('storyfs'), Storyfs('storyfs-ro', '--ro')]
RIVALS = {kind.id: Rival(kind) for kind in rivals.ALL}


def subjects(options, n_stories):
    """In the order of a round; the disk is first, since it tells what the others must count."""
    main = n_stories == options.stories[0]
    found = []
    if main or n_stories <= options.rivals_up_to:
        found.append(Folder('disk'))
        found += [Folder('tmpfs')] if 'tmpfs' in options.against and main else []
        found += [RIVALS[kind.id] for kind in rivals.ALL if kind.id in options.against
                  and (n_stories <= options.rivals_up_to or (main and kind in rivals.FAST))]
    return found + OURS


def names_to_cat(world):
    """A list of fields for `xargs -n1 cat`; the story that is saved to is not among them."""
    rng = random.Random(1)
    path = world.work / 'cats'
    if not path.exists():
        fields = ['name', 'description', 'current_state', 'story_type']
        ids = range(project.FIRST_STORY, project.FIRST_STORY + world.n_stories - 1)
        path.write_text(''.join(f'./{rng.choice(ids)}/{rng.choice(fields)}\n'
                                for _ in range(N_CATS)), encoding='ascii')
    return path


def count(world, subject, command, root):
    """Run a command; its seconds. What it counts must be what it counted elsewhere."""
    env = {**world.env, 'CATS': str(names_to_cat(world))}
    seconds, n = programs.timed_count(command.shell, root, env)
    expected = world.expected.setdefault(command.id, n)
    if command.id in ('grep', 'rg'):
        expected = project.n_needles(world.n_stories)
    if n != expected and (subject.id, command.id) not in COUNTS_DIFFER:
        raise programs.Failure(f'{command.name} counts {n} in {subject.id}, not {expected}')
    return seconds


def measure_tree(world, subject, command):
    key = world.n_stories, subject.id, command.id
    add = world.results.add
    before = world.proxies[0].count()
    with subject.open(world) as (root, mount):
        if mount or world.options.drop_caches and subject.id == 'disk':
            if not mount:
                programs.drop_caches()
            add((*key, 'cold'), count(world, subject, command, root))
        else:
            count(world, subject, command, root)
        if subject in OURS:
            sent = world.proxies[0].count() - before
            world.results.counts[(*key, 'cold')] = {'requests': sent.requests, 'bytes': sent.bytes}
        if mount:
            add((*key, 'second'), count(world, subject, command, root))
        add((*key, 'warm'), count(world, subject, command, root))
        if mount:
            add((*key, 'rss'), mount.memory_kib('VmRSS'))
    if subject in OURS:
        with subject.open(world) as (root, mount):
            world.load(mount)
            add((*key, 'first'), count(world, subject, command, root))


def wanted(options):
    """The commands that are to be measured. How many entries there are is always counted first."""
    return [c for c in COMMANDS if c.id in options.only or
            c.id == 'find' and any(other.id in options.only for other in COMMANDS)]


def steps(options, n_stories):
    return [((command.name, subject.id),
             lambda world, s=subject, c=command: measure_tree(world, s, c))
            for command in wanted(options) for subject in subjects(options, n_stories)]
