# SPDX-License-Identifier: GPL-2.0-or-later
"""Many clients write at once: nothing is lost, nothing is mixed up, and nobody who reads has to wait.

STORYFS_MANY is the number of commands of each client (2000 for the full size).
"""
import concurrent.futures
import http.client
import os
import random
import sqlite3
import threading

import pytest

from conftest import Server, storyfs
from test_replay import (PROJECT, SEED, Writer, compare_rest, compare_stories, demo, get, get_all,
                         prepare, token_of)

__all__ = ['demo']  # a fixture

CLIENTS = 16
COMMANDS = int(os.environ.get('STORYFS_MANY', '40'))
KILLS = 20


def make_tokens(archive, server):
    """Of two people who may write."""
    people = [m['person'] for m in get(server, f'/projects/{PROJECT}/memberships?sort_by=name')
              if m['role'] != 'viewer']
    return [token_of(archive, person) for person in people[:2]]


def get_activity(server, since):
    """All since a version, first things first."""
    path = f'/projects/{PROJECT}/activity?since_version={since}&sort_order=asc'
    return get_all(server, path, limit=500)


def check_integrity(archive):
    with sqlite3.connect(f'file:{archive}?mode=ro', uri=True) as db:
        assert db.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
        assert db.execute('PRAGMA foreign_key_check').fetchall() == []


def replay_all(server, replay, since):
    """Every version is there once, and all of them together tell what is."""
    version = get(server, f'/projects/{PROJECT}')['version']
    items = get_activity(server, since)
    assert [item['project_version'] for item in items] == list(range(since + 1, version + 1))
    for item in items:
        replay.apply(item)
    compare_stories(server, replay)
    compare_rest(server, replay)
    return {item['project_version']: item for item in items}


def start(writers):
    pool = concurrent.futures.ThreadPoolExecutor(len(writers))
    return pool, [pool.submit(w.run, COMMANDS) for w in writers]


def finish(pool, runs):
    for run in runs:
        run.result()
    pool.shutdown()


def test_sixteen_clients_lose_nothing(demo, serve):
    server = serve(demo)
    tokens = make_tokens(demo, server)
    since, replay, known = prepare(demo, server)
    writers = [Writer(server, tokens[i % 2], SEED + i, known) for i in range(CLIENTS)]
    finish(*start(writers))
    statuses = [status for w in writers for status in w.statuses]
    assert len(statuses) >= CLIENTS * COMMANDS
    assert sum(status < 300 for status in statuses) > len(statuses) / 2
    items = replay_all(server, replay, since)
    answered = {v for w in writers for v in w.versions if v > since}
    assert answered <= set(items)
    print(f'{len(statuses)} commands, {len(items)} versions')
    assert server.stop() == 0
    check_integrity(demo)


class Survivor(Writer):
    """Goes on when the server dies under it; what was not answered may or may not have happened."""

    def __init__(self, holder, *args):
        super().__init__(holder.server, *args)
        self.holder, self.made, self.n_lost = holder, [], 0

    def run(self, n):
        while not self.holder.over.is_set():
            super().run(len(self.statuses) + 1)
            self.connection = self.server.connect()
        self.connection.close()

    def send(self, method, path, body=None):
        try:
            answer = super().send(method, path, body)
        except (OSError, http.client.HTTPException):
            self.n_lost += 1
            self.statuses.append(0)
            self.connection.close()
            self.holder.wait_until_up()
            self.server = self.holder.server
            self.connection = self.server.connect()
            return None
        if answer and method == 'POST' and path.count('/') == 1:
            self.made.append((self.versions[-1], path, answer['id']))
        return answer


class Holder:
    """A server that is killed and started again."""

    def __init__(self, archive, log):
        self.archive, self.log, self.token = archive, log, None
        self.up = threading.Event()
        self.over = threading.Event()
        self.start()

    def start(self):
        self.server = Server(self.archive, log=self.log)
        self.server.token = self.token
        self.up.set()

    def wait_until_up(self):
        assert self.up.wait(timeout=60)

    def kill_and_restart(self):
        self.up.clear()
        self.server.kill()
        self.start()


def check_made(writers, items):
    """What was answered as made is there, under the version that the answer named. A new label, or
    a comment, comes with a version of its own before, or after, the story's."""
    kinds = {'/stories': 'story', '/labels': 'label', '/epics': 'epic'}
    n = 0
    for version, path, made in (m for w in writers for m in w.made):
        near = [items[v] for v in range(version - 3, version + 1) if v in items]
        assert any(r['kind'] == kinds[path] and r['id'] == made
                   for item in near for r in item['primary_resources']), (version, path, made)
        n += 1
    return n


def test_what_was_answered_survives_kills_at_any_moment(demo, tmp_path):
    holder = Holder(demo, tmp_path / 'log')
    try:
        made = storyfs('user', 'token', demo)
        assert made.returncode == 0, made.stderr
        holder.token = holder.server.token = made.stdout.strip()
        tokens = make_tokens(demo, holder.server)
        since, replay, known = prepare(demo, holder.server)
        writers = [Survivor(holder, tokens[i % 2], SEED + i, known) for i in range(CLIENTS)]
        moments = random.Random(SEED)
        pool, runs = start(writers)
        for _ in range(KILLS):
            concurrent.futures.wait(runs, timeout=moments.uniform(0, min(COMMANDS / 100, 4)))
            holder.kill_and_restart()
        holder.over.set()
        finish(pool, runs)
        items = replay_all(holder.server, replay, since)
        answered = {v for w in writers for v in w.versions if v > since}
        assert answered <= set(items)
        n_made = check_made(writers, items)
        print(f'{KILLS} kills, {sum(w.n_lost for w in writers)} unanswered, {len(items)} versions, '
              f'{n_made} made')
        assert n_made and len(items) > KILLS
        assert holder.server.stop() == 0
        check_integrity(demo)
    finally:
        if holder.server.process.poll() is None:
            holder.server.kill()


def read_many(server, story):
    connection = server.connect()
    for _ in range(20):
        for path in (f'/projects/{PROJECT}/stories/{story}', f'/projects/{PROJECT}/stories?limit=20',
                     '/me'):
            assert server.request('GET', path, connection=connection).status == 200
    connection.close()


@pytest.mark.parametrize('writers', (1, 40))
def test_readers_never_wait_for_a_writer(demo, serve, writers):
    """Another process holds the archive's lock; who writes waits for it, and nobody else."""
    server = serve(demo)
    story = get(server, f'/projects/{PROJECT}/stories?limit=1')[0]['id']
    path = f'/projects/{PROJECT}/stories/{story}'
    other = sqlite3.connect(demo, isolation_level=None)
    pool = concurrent.futures.ThreadPoolExecutor(writers + 8)
    other.execute('BEGIN IMMEDIATE')
    try:
        writes = [pool.submit(server.request, 'PUT', path, {'name': f'written {i}'})
                  for i in range(writers)]
        reads = [pool.submit(read_many, server, story) for _ in range(8)]
        for read in reads:
            read.result()
        assert not any(write.done() for write in writes)
        assert get(server, path)['name'] != 'written 0'
    finally:
        other.execute('ROLLBACK')
        other.close()
    assert {write.result().status for write in writes} == {200}
    pool.shutdown()
    assert get(server, path)['name'].startswith('written')
