# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody else changes a project, and it is noted when each way to look at a mount shows it.

A Thing has a history of values, each with the times when it was sent and answered. A Sight is one way
to look at one thing: what an observer (stale_observer.py) tells of its path must be a value of the
history, never one that is older than what was seen before, never half of one. Values that are told by
nothing but themselves (a size, a state, a place) are not changed again until all have seen them.
"""
import collections
import itertools
import json
import pathlib
import random
import subprocess
import threading
import time

from stale_observer import make_text

OBSERVER = pathlib.Path(__file__).with_name('stale_observer.py')
BAD = (['torn'], ['size'], ['errno'])
WORDS = 'rope ladder hook nail wall rain überall “step” 梯子 spring rust knot'.split()
STATES = ('unscheduled', 'unstarted', 'started', 'finished', 'delivered', 'rejected')
LABELS = tuple(f'l{i}' for i in range(5))
PAGE = 4096


class Entry:
    """A value, and when it came to be."""

    def __init__(self, value):
        self.value, self.sent, self.answered = value, time.monotonic(), None


class Sight:
    def __init__(self, thing, view, path, norm, expect):
        self.thing, self.view, self.path, self.norm, self.expect = thing, view, path, norm, expect
        self.at = None  # the last entry that was seen; None: nothing yet

    def is_current(self):
        return self.at is not None and self.at == len(self.thing.history) - 1

    def find(self, value):
        """The entry that shows as this, no older than the last."""
        seen = self.norm(value)
        for i in range(self.at or 0, len(self.thing.history)):
            if self.expect(self.thing.history[i].value) == seen:
                return i
        return None

    def skip_same(self):
        """A change that does not show here counts as seen."""
        h = self.thing.history
        if self.at == len(h) - 2 and self.expect(h[-1].value) == self.expect(h[-2].value):
            self.at += 1


class StatSight(Sight):
    """Of a size and an mtime; the mtime must move with the text, and with nothing else."""

    def find(self, value):
        size, mtime = value
        last, self.last = getattr(self, 'last', None), (size, mtime)
        start = 0 if self.at is None else self.at + (last is None or last[1] != mtime)
        for i in range(start, len(self.thing.history)):
            if self.thing.history[i].value[1] + 1 == size:
                return i
        return None

    def skip_same(self):
        pass


class Thing:
    def __init__(self, name, value, waits):
        self.name, self.waits, self.sights = name, waits, []
        self.history = [Entry(value)]
        self.history[0].answered = self.history[0].sent

    def is_free(self):
        return not self.waits or all(s.is_current() for s in self.sights)


class Observers:
    """A process for each view, and a thread for each that passes on what it tells."""

    def __init__(self, folder, pause, tell, log):
        self.folder, self.pause, self.tell, self.log = folder, pause, tell, log
        self.processes, self.threads, self.beats = {}, [], {}
        self.watched = set()

    def watch(self, view, path):
        if (view, path) in self.watched:
            return
        self.watched.add((view, path))
        if view not in self.processes:
            process = self.processes[view] = subprocess.Popen(
                ['/usr/bin/python3', OBSERVER, view, str(self.pause)], stdin=subprocess.PIPE,
                stdout=subprocess.PIPE, stderr=self.log, text=True, cwd=self.folder)
            thread = threading.Thread(target=self.listen, args=(view, process.stdout), daemon=True)
            self.threads.append(thread)
            thread.start()
        self.send(view, 'watch', path)

    def send(self, view, *what):
        stdin = self.processes[view].stdin
        stdin.write(json.dumps(what) + '\n')
        stdin.flush()

    def listen(self, view, lines):
        for line in lines:
            path, *rest = json.loads(line)
            if path is None:
                self.beats[view] = rest
            else:
                self.tell(view, path, *rest)

    def end(self, seconds):
        """True when all of them have ended by themselves."""
        for process in self.processes.values():
            process.stdin.close()
        codes = []
        for process in self.processes.values():
            try:
                codes.append(process.wait(seconds))
            except subprocess.TimeoutExpired:
                process.kill()
                codes.append(None)
        return all(code == 0 for code in codes)


class Judge:
    """What is watched, what of it was wrong, and how long it took."""

    def __init__(self):
        self.lock = threading.Lock()
        self.things, self.by_path = [], collections.defaultdict(list)
        self.delays = collections.defaultdict(list)
        self.passing, self.wrong = collections.Counter(), []
        self.observers = None

    def start(self, folder, pause, log):
        """Look from now on, below that folder."""
        self.observers = Observers(folder, pause, self.saw, log)
        for thing in self.things:
            self.watch(thing)

    def watch(self, thing):
        for sight in thing.sights if self.observers else ():
            self.observers.watch(sight.view, sight.path)

    def add(self, name, value, waits, *sights):
        """A thing; each sight is (view, path[, norm[, expect]])."""
        thing = Thing(name, value, waits)
        with self.lock:
            for view, path, *how in sights:
                kind = StatSight if view == 'stat' else Sight
                norm, expect = (*how, *(lambda v: v,) * 2)[:2]
                sight = kind(thing, view, path, norm, expect)
                thing.sights.append(sight)
                self.by_path[view, path].append(sight)
            self.things.append(thing)
        self.watch(thing)
        return thing

    def forget(self, thing):
        with self.lock:
            self.things.remove(thing)
            for s in thing.sights:
                self.by_path[s.view, s.path].remove(s)

    def begin(self, thing, value):
        """It will be this; to be called before it is asked for."""
        with self.lock:
            thing.history.append(Entry(value))
            for s in thing.sights:
                s.skip_same()
            return thing.history[-1]

    def saw(self, view, path, _, ended, value):
        with self.lock:
            if value[:1] == ['passing']:
                self.passing[view] += 1
                return
            for sight in self.by_path[view, path]:
                self.note(sight, ended, value)

    def note(self, sight, ended, value):
        found = None if value[:1] in BAD else sight.find(value)
        if found is None:
            self.wrong.append(f'{sight.view} {sight.path}: {str(value)[:300]} after entry {sight.at} '
                              f'of {[e.value for e in sight.thing.history][-4:]}')
            return
        if sight.at is not None:
            for entry in sight.thing.history[sight.at + 1:found + 1]:
                self.delays[sight.view].append(max(0, ended - (entry.answered or ended)))
        sight.at = found

    def behind(self):
        """The sights that do not show what there is."""
        with self.lock:
            return [f'{s.view} {s.path}: entry {s.at} of {[e.value for e in t.history][-3:]}'
                    for t in self.things for s in t.sights if not s.is_current()]


class Maker:
    """The other: makes the things, and changes them, over V5."""

    def __init__(self, server, project, seed):
        self.server, self.base = server, f'/projects/{project}'
        self.folder = f'projects/{project}'
        self.random = random.Random(seed)
        self.serials = itertools.count(1)
        self.connection = server.connect()
        self.n_changes = 0

    def ask(self, method, path, body=None):
        answer = self.server.request(method, self.base + path, body, connection=self.connection)
        assert answer.status in (200, 204), f'{method} {path} {body}: {answer.body}'
        return answer.json() if answer.status == 200 else None

    def text(self, least=30, most=16000, same=None, between=' \n'):
        """A new text of so many bytes, often as long as the same."""
        r = self.random
        length = len(same.encode()) if same and r.random() < 0.3 else r.choice((
            r.randint(least, most), r.randint(least, min(most, least + 300))))
        words = ''.join(r.choice(WORDS) + r.choice(between) for _ in range(length // 4))
        room = max(length - len(make_text(0, '')), 1)
        body = words.encode()[:room - 1].decode('utf-8', 'ignore').rstrip()
        return make_text(next(self.serials), body + '.' * (room - len(body.encode())))


def serial_of(text):
    """What an observer tells of it."""
    return [int(text[:8]), len(text.encode())]


def has_id(number):
    """Is one of the links in this listing to that story?"""
    return lambda names: any(name.split('-')[1:2] == [str(number)] for name in names)


def lines_of(text):
    return sorted(text.splitlines())


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


def report(judge, bound):
    """A line for each view: how many changes were seen, and how long after the answer."""
    rows = [f'{"view":<11}{"seen":>7}{"median":>9}{"p99":>9}{"max":>9}{"later":>7}{"passing":>9}'
            f'{"longest look":>14}']
    for view, found in sorted(judge.delays.items()):
        rows.append(f'{view:<11}{len(found):>7}{percentile(found, .5):>9.3f}'
                    f'{percentile(found, .99):>9.3f}{max(found):>9.3f}'
                    f'{sum(d > bound for d in found):>7}{judge.passing[view]:>9}'
                    f'{judge.observers.beats[view][1]:>14.3f}')
    return '\n'.join(rows)

