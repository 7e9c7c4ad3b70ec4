# SPDX-License-Identifier: GPL-2.0-or-later
"""A day of a team of ten and some agents with one project of a thousand stories, in as little time as
is asked for. The table DAY says how often each thing is done; each actor is a thread that does its
things one after the other, evenly over the time. What is made is deleted, so that the project stays as
large as it is; so many files are attached that those the mount keeps open are at their most by noon.

What may fail is what meets the server while it is started anew: it is done again, as a person would.
Who saves has stories of its own, so that at the end the server must have what was saved last.
"""
import collections
import http.client
import itertools
import json
import os
import random
import shutil
import subprocess
import threading
import time

from fsbench import project

FIRST = project.FIRST_STORY
N_SAVING, N_OWN = 5, 30  # who save, and the stories of each
AGAIN_S = 0.2      # between attempts
PATIENCE_S = 90    # of whoever tries again
PROGRAM_S = 300    # no program of a person takes longer
SOURCES = ('description', 'name')
QUERIES = ('state:unstarted', 'type:bug', 'label:"label 01"', 'name:ladder', 'owner:P3',
           'rope -type:chore')


class Broken(Exception):
    """Something that must not be."""


class Day:
    """What the actors share."""

    def __init__(self, world, mount, seconds):
        self.world, self.seconds = world, seconds
        self.folder = mount.path / 'projects' / str(project.PROJECT)
        self.stories = self.folder / 'stories'
        self.control = mount.path / '.storyfs'
        self.lock = threading.Lock()
        self.done, self.again = collections.Counter(), collections.Counter()
        self.longest = collections.defaultdict(float)
        self.saved = {}  # path below stories -> text
        self.broken = []
        self.started_anew = 0.0  # when the server was, last
        self.over = threading.Event()

    def story(self, rng):
        """One that nobody who saves has as its own."""
        return self.stories / str(FIRST + rng.randrange(N_SAVING * N_OWN, self.world.n_stories))


class Actor(threading.Thread):
    """Does one row of DAY."""

    def __init__(self, day, name, act, n, seed):
        super().__init__(name=name, daemon=True)
        self.day, self.act, self.n = day, act, n
        self.rng = random.Random(seed)
        self.numbers = itertools.count(1)
        self.state = {}

    def run(self):
        began = time.monotonic()
        try:
            for i in range(self.n):
                wait = began + (i + self.rng.random()) * self.day.seconds / self.n - time.monotonic()
                if self.day.over.wait(max(0, wait)):
                    break
                self.do_one()
        except Exception as e:  # pylint: disable=broad-except
            self.day.broken.append(f'{self.name}: {type(e).__name__}: {e}')

    def do_one(self):
        """Once; again while it meets a server that is away."""
        end = time.monotonic() + PATIENCE_S
        while True:
            start = time.monotonic()
            try:
                self.act(self)
                break
            except (OSError, subprocess.CalledProcessError) as e:
                if time.monotonic() > end or start > self.day.started_anew + PATIENCE_S:
                    raise Broken(f'{e}; {getattr(e, "stderr", "")}') from e
                with self.day.lock:
                    self.day.again[self.name] += 1
            finally:
                took = time.monotonic() - start
                with self.day.lock:
                    self.day.longest[self.name] = max(self.day.longest[self.name], took)
            time.sleep(AGAIN_S)
        with self.day.lock:
            self.day.done[self.name] += 1

    def text(self, what):
        return f'{what} {self.name} {next(self.numbers)}: {project.text_of(self.rng)}'

    def program(self, *argv):
        return subprocess.run(argv, cwd=self.day.folder, check=True, capture_output=True,
                              text=True, timeout=PROGRAM_S, stdin=subprocess.DEVNULL).stdout


# ---- reading ----

def read_file(a):
    story, n = a.day.story(a.rng), a.rng.random()
    if n < 0.1:
        path = a.day.folder / 'markdown' / f'{story.name}.md'
    elif n < 0.15:
        path = a.day.folder / 'json' / f'{story.name}.json'
    else:
        path = story / a.rng.choice(('name', 'description', 'estimate', 'current_state', 'labels',
                                     'owners', 'updated_at'))
    path.read_bytes()


def read_table(a):
    (a.day.folder / 'stories.tsv').read_bytes()


def read_history(a):
    (a.day.folder / 'activity').read_bytes()
    (a.day.story(a.rng) / 'activity').read_bytes()


def list_directory(a):
    where = a.rng.choice((a.day.story(a.rng), a.day.folder / 'panels' / 'backlog',
                          a.day.folder / 'by-state' / 'started', a.day.story(a.rng) / 'comments'))
    for entry in os.scandir(where):
        entry.stat(follow_symlinks=False)


def search(a):
    query = a.rng.choice((*QUERIES, f'name:{a.rng.choice(project.WORDS)}'))
    os.listdir(a.day.folder / 'search' / query)


def walk(a, *argv):
    """What goes while a program is on its way to it is missed by the program, as anywhere."""
    try:
        a.program(*argv)
    except subprocess.CalledProcessError as e:
        if not all(line.endswith(': No such file or directory') for line in e.stderr.splitlines()):
            raise


def grep(a):
    walk(a, 'grep', '-rl', project.NEEDLE, 'stories')


def find(a):
    walk(a, 'find', '.', '-newer', 'stories.tsv', '-type', 'f')


# ---- saving ----

def own_story(a):
    first = a.state.setdefault('first', int(a.name.split()[-1]) * N_OWN)
    return a.day.stories / str(FIRST + first + a.rng.randrange(N_OWN))


def put_in_place(path, text):
    path.write_text(text, encoding='utf-8')


def put_as_vim_does(path, text):
    backup, swap = path.with_name(path.name + '~'), path.with_name(f'.{path.name}.swp')
    swap.write_bytes(b'b0VIM' * 800)
    path.rename(backup)
    with open(path, 'x', encoding='utf-8') as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())
    backup.unlink()
    swap.unlink()


def put_as_an_atomic_writer_does(path, text):
    temporary = path.with_name(f'.{path.name}.{os.getpid()}.tmp')
    temporary.write_text(text, encoding='utf-8')
    temporary.replace(path)


def put_by_the_shell(path, text):
    subprocess.run(['cp', '/dev/stdin', path], input=text, text=True, check=True,
                   capture_output=True, timeout=PROGRAM_S)


def put_by_sed(path, text):
    subprocess.run(['sed', '-i', f'1s/.*/{text.splitlines()[0]}/;2,$d', path], check=True,
                   capture_output=True, timeout=PROGRAM_S)


WAYS = (put_in_place, put_in_place, put_as_vim_does, put_as_an_atomic_writer_does, put_by_the_shell,
        put_by_sed)


def save(a):
    path, way = own_story(a) / a.rng.choice(SOURCES), a.rng.choice(WAYS)
    text = a.text('Saved')
    if path.name == 'name' or way is put_by_sed:
        text = text.splitlines()[0]
    path.read_bytes()
    try:
        way(path, text)
    except (OSError, subprocess.CalledProcessError):
        for name in (f'.{path.name}.swp', f'{path.name}~'):
            path.with_name(name).unlink(missing_ok=True)
        raise
    with a.day.lock:
        a.day.saved[f'{path.parent.name}/{path.name}'] = text


def save_what_is_refused(a):
    path = a.day.story(a.rng) / 'estimate'
    try:
        path.write_text('seventeen\n', encoding='ascii')
    except OSError:
        path.with_name('.error').read_text(encoding='utf-8')
        path.with_name('estimate.rejected').unlink(missing_ok=True)
        return
    raise Broken('an estimate of seventeen was taken')


def scratch(a):
    path = a.day.story(a.rng) / f'.scratch.{next(a.numbers)}'
    path.write_bytes(os.urandom(a.rng.randrange(1, 200_000)))
    path.read_bytes()
    path.unlink()


# ---- making and deleting ----

def allow(a):
    (a.day.control / 'deletes').write_text('1000\n', encoding='ascii')


def wait_for_name(folder, before):
    """What is new in a folder of ids."""
    end = time.monotonic() + PATIENCE_S
    while not (new := [n for n in set(os.listdir(folder)) - before if n.isdigit()]):
        if time.monotonic() > end:
            raise Broken(f'nothing new in {folder}')
        time.sleep(AGAIN_S)
    return new[0]


def make_story(a):
    title = f'Made {a.name} {a.rng.randrange(10**9)}'
    (a.day.stories / title).mkdir()
    made = a.day.stories / (a.day.stories / title / 'id').read_text(encoding='ascii').strip()
    (made / 'description').write_text(a.text('Made'), encoding='utf-8')
    (made / 'tasks' / 'new').write_text('one\ntwo\n', encoding='ascii')
    a.state['story'] = made
    delete(a, made)


def delete(a, path):
    """Also when the first attempt had no answer."""
    end = time.monotonic() + PATIENCE_S
    while path.exists():
        try:
            allow(a)
            path.rmdir()
        except FileNotFoundError:
            pass
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(AGAIN_S)


def comment(a):
    folder = own_story(a) / 'comments'
    before = set(os.listdir(folder))
    (folder / 'new').write_text(a.text('Said'), encoding='utf-8')
    delete(a, folder / wait_for_name(folder, before))


def attach(a):
    folder = own_story(a) / 'attachments'
    comments = folder.parent / 'comments'
    before = set(os.listdir(comments))
    name = f'file{next(a.numbers)}.bin'
    (folder / name).write_bytes(os.urandom(a.rng.randrange(1000, 200_000)))
    for other in os.listdir(folder):
        if not other.startswith('.'):
            shutil.copyfile(folder / other, '/dev/null')
    target = (folder / name).resolve()
    delete(a, comments / wait_for_name(comments, before))
    delete(a, target.parent)


# ---- others, and the server ----

def ask(a, method, path, body=None):
    connection = http.client.HTTPConnection('127.0.0.1', a.day.world.server.port, timeout=60)
    try:
        connection.request(method, f'/services/v5/projects/{project.PROJECT}{path}', body and json.dumps(body),
                           {'X-TrackerToken': a.day.world.env['STORYFS_TOKEN'],
                            'Content-Type': 'application/json'})
        answer = connection.getresponse()
        data = answer.read()
    except http.client.HTTPException as e:
        raise OSError(str(e)) from e
    finally:
        connection.close()
    if answer.status == 503:
        raise OSError('the server ends')
    if answer.status not in (200, 204):
        raise Broken(f'{method} {path}: {answer.status} {data[:300]}')
    return json.loads(data) if data else None


def change(a):
    story = f'/stories/{a.day.story(a.rng).name}'
    what = a.rng.randrange(5)
    if what == 0:
        made = ask(a, 'POST', f'{story}/comments', {'text': a.text('Foreign')})
        ask(a, 'DELETE', f'{story}/comments/{made["id"]}')
    elif what == 1:
        ask(a, 'PUT', story, {'after_id': int(a.day.story(a.rng).name), 'group': 'unscheduled'}
            if a.rng.random() < 0.5 else {'labels': [{'name': f'label {a.rng.randrange(1, 40):02d}'}]})
    elif what == 2:
        made = ask(a, 'POST', '/stories', {'name': a.text('Foreign').splitlines()[0]})
        ask(a, 'DELETE', f'/stories/{made["id"]}')
    else:
        ask(a, 'PUT', story, {a.rng.choice(SOURCES): a.text('Foreign').splitlines()[0]})


def make_history(day, n):
    """So many changes before it all begins, as a project has that lives: a mount keeps the newest
    5,000, and the day's own, which take their places, must not be larger."""
    rng = random.Random(n)
    connection = http.client.HTTPConnection('127.0.0.1', day.world.server.port, timeout=60)
    for i in range(n):
        story = FIRST + N_SAVING * N_OWN + i % (day.world.n_stories - N_SAVING * N_OWN)
        text = f'Before {i}: {project.text_of(rng)}'
        body = {'name': text.splitlines()[0]} if i % 4 else {'description': text}
        connection.request('PUT', f'/services/v5/projects/{project.PROJECT}/stories/{story}',
                           json.dumps(body),
                           {'X-TrackerToken': day.world.env['STORYFS_TOKEN'],
                            'Content-Type': 'application/json'})
        answer = connection.getresponse()
        if answer.status != 200:
            raise Broken(f'PUT: {answer.status} {answer.read()[:300]}')
        answer.read()
    connection.close()


# name, how often in a day, what; those who save have a number, by which they have stories of their own.
DAY = (
    ('read a file', 20_000, read_file), ('read stories.tsv', 500, read_table),
    ('read histories', 100, read_history), ('list a directory', 2_000, list_directory),
    ('search', 300, search), ('grep -r', 96, grep), ('find -newer', 24, find),
    ('save 0', 700, save), ('save 1', 700, save), ('save 2', 600, save),
    ('save what is refused', 100, save_what_is_refused), ('scratch file', 1_000, scratch),
    ('make a story', 100, make_story), ('comment 3', 300, comment), ('attach 4', 200, attach),
    ('foreign change', 1_500, change),
)
