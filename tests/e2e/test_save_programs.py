# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs save one file, a field of the fake tree, on a real mount.

Each program of the table is run on a server that takes the save (exactly one arrives, with exactly
these bytes; the file reads back; nothing is left lying about) and on one that refuses it (one
attempt; the program says so where it can; the old text is back, `.error` tells why, and what was
written is found); some on every other kind of refusal, over HTTP, too. All run before the first
test, several at a time. What it costs at a server, and what documents make of it, is in
test_save_requests.
"""
import collections

import pytest

import mounts
import programs
from mounts import FIELD, INITIAL, REFUSALS, WORDS
from programs import EDITS, PROGRAMS

SOME = ('sh >', 'cp', 'sed -i', 'vim', 'python fsync', ': >')
# kind: of mount; how: it refuses, if it does.
Job = collections.namedtuple('Job', 'name kind how')
BY_NAME = {p.name: p for p in PROGRAMS}


class Ran:
    """What all that ran on one mount has left behind, and what reached the server."""

    def __init__(self, mount, folder, jobs):
        self.outcomes, self.stories = {}, {job: mount.take_story() for job in jobs}
        for how in (None, *REFUSALS):
            mount.refuse(how)
            self.outcomes.update(programs.run_all(
                [job for job in jobs if job.how == how],
                lambda job: self.attempt(job, folder / self.stories[job].name)))
        mount.refuse(None)
        mount.finish()
        self.saves = {job: mount.saves(story) for job, story in self.stories.items()}

    def attempt(self, job, folder):
        path, program = self.stories[job] / FIELD, BY_NAME[job.name]
        after = INITIAL if job.how else EDITS[program.after](INITIAL)
        return programs.attempt(program, path, folder, lambda _, now: now == after,
                                programs.names_beside(path))


def run_selected(request, kind, folder):
    jobs = [Job(p['name'], p.get('kind', 'fake'), p['how'])
            for p in programs.selected(request) if p.get('kind', 'fake') == kind]
    mount = mounts.KINDS[kind]()
    try:
        return Ran(mount, folder, jobs)
    finally:
        mount.close()


@pytest.fixture(scope='module')
def ran(request, tmp_path_factory):
    """What ran on a kind of mount."""
    done = {}

    def of(kind):
        if not mounts.is_built(kind):
            pytest.skip(f'the program for the {kind} mount is not built')
        if kind not in done:
            done[kind] = run_selected(request, kind, tmp_path_factory.mktemp(kind))
        return done[kind]
    return of


def value(text):
    """As a server gets it: with or without the newline a file ends with."""
    return text.removesuffix(b'\n')


def check_taken(ran, job):
    program, outcome = BY_NAME[job.name], ran.outcomes[job].result()
    assert outcome.status == 0, outcome.said
    assert [(f, value(t), r) for f, t, r in ran.saves[job]] == [
        (FIELD, value(EDITS[e](INITIAL)), 0) for e in program.texts]
    assert outcome.text == INITIAL
    assert outcome.after == EDITS[program.after](INITIAL)
    assert outcome.size == len(outcome.after)
    assert outcome.strays(program, FIELD) == set() and outcome.gone == set()
    assert outcome.error is None and outcome.rejected is None


def check_refused(ran, job):
    program, outcome = BY_NAME[job.name], ran.outcomes[job].result()
    tried = [EDITS[e](INITIAL) for e in program.tried]
    assert [value(t) for _, t, _ in ran.saves[job]] == [value(t) for t in tried]
    assert all(r for _, _, r in ran.saves[job])
    # Some remove the file when they could not write it; then its name was free for a while.
    assert outcome.after == INITIAL and outcome.size == len(INITIAL)
    assert outcome.strays(program, FIELD) - {'.error', f'{FIELD}.rejected'} == set()
    assert outcome.gone == set()
    if program.sees is not None:
        assert outcome.told(program, REFUSALS[job.how][1]) == (
            program.sees and bool(tried)), (outcome.status, outcome.said)
    if not tried:
        assert outcome.error is None and outcome.rejected is None
        return
    assert (outcome.rejected or b'') == tried[-1]
    for text in (outcome.explained, outcome.error):
        assert FIELD in text and (job.how == 'hang' or WORDS in text or not any(tried)), text


@pytest.mark.parametrize('how', [None, '400'], ids=['taken', 'refused'])
@pytest.mark.parametrize('name', list(BY_NAME))
def test_one_save_with_the_bytes_that_were_written(ran, name, how):
    job = Job(name, 'fake', how)
    (check_refused if how else check_taken)(ran('fake'), job)


@pytest.mark.parametrize('kind', list(mounts.KINDS))
@pytest.mark.parametrize('how', [h for h in REFUSALS if h != '400'])
@pytest.mark.parametrize('name', SOME)
def test_every_kind_of_refusal_is_told_and_loses_nothing(ran, name, how, kind):
    check_refused(ran(kind), Job(name, kind, how))
