# SPDX-License-Identifier: GPL-2.0-or-later
"""bench/fs runs, prints what it should, and what it counts is true. How fast things are is not looked at."""
import json
import os
import re
import signal
import subprocess

import pytest

import conftest

BENCH = conftest.ROOT / 'bench' / 'fs'
STORIES, COMMENTS, TASKS, NEEDLES = 200, 100, 50, 2


def run(*args, deadline=conftest.DEADLINE):
    return subprocess.run([str(BENCH), *map(str, args)], capture_output=True, text=True, check=False,
                          timeout=deadline, env=conftest.clean_env(), stdin=subprocess.DEVNULL)


class Bench:
    """One run, whose copy of the tree is kept."""

    def __init__(self, folder):
        self.folder, self.markdown = folder, folder / 'benchmarks.md'
        self.markdown.write_text('# Benchmarks\n\nBefore.\n\n<!-- bench/fs: begin -->\nold\n'
                                 '<!-- bench/fs: end -->\nBehind.\n')
        self.done = run('--storyfs', conftest.BIN, '--stories', STORIES, '--latency', 0, '--runs', 1,
                        '--only', 'find,read,save,mount,memory,trace', '--against', 'tmpfs,curl',
                        '--dir', folder, '--json', folder / 'json', '--write', self.markdown, '--keep')
        assert self.done.returncode == 0, self.done.stderr
        self.results = json.loads((folder / 'json').read_text())
        self.stories, = folder.glob('storyfs-bench-*/copy/stories')
        self.tree = [(path, names) for path, _, names in os.walk(self.stories)]
        self.n_entries = sum(1 + len(names) + sum(os.path.islink(os.path.join(path, d)) for d in dirs)
                             for path, dirs, names in os.walk(self.stories))

    def counts(self, subject, measure, state):
        found, = (row['counts'] for row in self.results['counts']
                  if (row['subject'], row['measure'], row['state']) == (subject, measure, state))
        return found

    def values(self, subject, measure, state):
        found, = (row['values'] for row in self.results['values']
                  if (row['subject'], row['measure'], row['state']) == (subject, measure, state))
        return found


@pytest.fixture(scope='module')
def bench(tmp_path_factory):
    return Bench(tmp_path_factory.mktemp('bench'))


def test_entries_are_counted(bench):
    stories = bench.stories
    assert bench.results['facts'][str(STORIES)]['entries'] == bench.n_entries
    assert len(os.listdir(stories)) == STORIES
    assert len(list(stories.glob('*/comments/[0-9]*'))) == COMMENTS
    assert len(list(stories.glob('*/tasks/[0-9]*'))) == TASKS
    holding = [p for p in stories.glob('*/description') if 'xylophone' in p.read_text()]
    assert len(holding) == NEEDLES


def test_each_state_of_each_subject_is_measured(bench):
    for subject, states in (('disk', ['warm']), ('tmpfs', ['warm']),
                            ('storyfs', ['cold', 'first', 'second', 'warm']),
                            ('storyfs-ro', ['cold', 'first', 'second', 'warm'])):
        for state in states:
            assert len(bench.values(subject, 'find', state)) == 1, (subject, state)


def test_requests_are_counted(bench):
    """Over HTTP: as many as curl needs for the same, none of them twice; a save looks, then writes."""
    fetch = bench.counts('storyfs-0', 'read', 'fetch')
    assert fetch['requests'] == bench.counts('curl-0', 'read', 'fetch')['requests'] > 1
    assert fetch['bytes'] == bench.counts('curl-0', 'read', 'fetch')['bytes'] > 10_000
    assert bench.counts('storyfs-0', 'save', 'close')['requests'] == 2
    assert bench.counts('storyfs-0', 'mount', 'empty, new')['requests'] >= 1


def test_requests_of_the_kernel_are_counted(bench):
    """A listing is read for each directory; the second time the kernel has it."""
    counts = bench.counts('storyfs', 'find', 'trace cold')
    assert counts['READDIRPLUS'] >= len(bench.tree)
    assert counts.get('OPEN', 0) == 0
    assert bench.counts('storyfs', 'find', 'trace warm').get('READDIRPLUS', 0) == 0


def test_memory_is_measured(bench):
    empty, fetched = (bench.values('storyfs', 'memory', s)[0] for s in ('empty', 'fetched'))
    assert 1000 < empty <= fetched
    assert bench.results['facts'][str(STORIES)]['json_bytes'] > STORIES * 1000


def test_what_is_printed(bench):
    """A line for each step, tables, and a verdict for each aim that was measured."""
    steps = re.findall(r'^(\d+)/(\d+)  200 stories: ', bench.done.stderr, re.M)
    assert [int(i) for i, _ in steps] == list(range(1, int(steps[0][1]) + 1))
    out = bench.done.stdout
    assert f'{STORIES} stories, {bench.n_entries:,} files, directories and links' in out
    assert re.search(r'^(reached|MISSED) +[\d.]+  ≤ 1.0   find, warm : on disk$', out, re.M)
    assert re.search(r'^(reached|MISSED) +[\d.]+  ≤ 1.5   memory of what was fetched : its JSON$', out,
                     re.M)
    assert re.search(r'^\| find, warm \|( [\d.]+ m?s¹ \([\d.]+\) \|){4}$', out, re.M)
    assert re.search(r'^\d+ of \d+ aims were not measured\.$', out, re.M)


def test_what_is_written(bench):
    text = bench.markdown.read_text()
    assert text.startswith('# Benchmarks\n\nBefore.\n\n<!-- bench/fs: begin -->\n## The mount\n')
    assert text.endswith('<!-- bench/fs: end -->\nBehind.\n')
    assert '\nold\n' not in text
    assert '![' in text and (bench.folder / 'benchmarks.svg').read_text().startswith('<svg ')


def test_wrong_options_are_told():
    wrong = run('--only', 'nonsense')
    assert wrong.returncode == 2 and 'nonsense is none of find, ls' in wrong.stderr
    assert '--stories' in run('--help').stdout


def test_nothing_is_left(tmp_path):
    done = run('--storyfs', conftest.BIN, '--stories', 10, '--latency', 0, '--runs', 1, '--only', 'mount',
               '--against', '', '--dir', tmp_path)
    assert done.returncode == 0, done.stderr
    assert os.listdir(tmp_path) == []
    assert str(tmp_path) not in open('/proc/self/mountinfo', encoding='utf-8').read()


def test_what_was_measured_is_told_when_it_is_interrupted(tmp_path):
    bench = subprocess.Popen([str(BENCH), '--storyfs', conftest.BIN, '--stories', str(STORIES), '--latency', '0',
                              '--only', 'find,read', '--against', 'tmpfs', '--dir', str(tmp_path)],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=conftest.clean_env())
    for line in bench.stderr:
        if 'find, tmpfs' in line:
            break
    bench.send_signal(signal.SIGINT)
    out, err = bench.communicate(timeout=conftest.DEADLINE)
    assert bench.returncode == 130 and 'interrupted' in err
    assert '| find, warm |' in out and not list(tmp_path.iterdir())
