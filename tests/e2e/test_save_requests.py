# SPDX-License-Identifier: GPL-2.0-or-later
"""Every program of the table saves a field, and a story's document, on a mount over HTTP; what that
cost is read from the server's request log.

Each row has a story of its own for each: in one mount the server takes what is saved, in the other,
a viewer's, it refuses. All run before the first test, several at a time; when the tests look, both
mounts are gone and nothing more can come.
"""
import collections
import errno
import itertools
import json
import pathlib
import re

import pytest

import mounted
import programs
from conftest import STAR, Server, quote, storyfs, write_dump
from programs import EDITS, LINES, PROGRAMS

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'
KINDS = ('field', 'document')
WAYS = ('taken', 'refused')
Job = collections.namedtuple('Job', 'program kind way')
JOBS = list(itertools.product((p.name for p in PROGRAMS), KINDS, WAYS))
IDS = {Job(*job): 1000 + i for i, job in enumerate(JOBS)}
MARK = re.compile(rb'storyfs: version \w+')
BY_NAME = {p.name: p for p in PROGRAMS}

# What no document is: the mount refuses it, and sends nothing.
NO_DOCUMENT = {'cut off': 'it was cut off', 'nothing': 'the document is empty',
               'reversed': 'line 1: ', 'CR LF': 'the lines end with CR LF'}



def make_archive(folder):
    """A story for each job, each alike; the Emperor may change them, Vader may not."""
    like = next(s for s in STAR['story'] if s['id'] == 555)
    stories = [{**like, 'id': i, 'name': f'Story {i}', 'description': LINES.decode()[:-1],
                'labels': []} for i in IDS.values()]
    members = [{'kind': 'project_membership', 'id': i, 'project_id': 99, 'role': role, 'person': p}
               for i, (role, p) in enumerate(zip(('owner', 'viewer'), STAR['person']), 900)]
    dump = write_dump(folder / 'dump', {**STAR, 'story': stories, 'project_membership': members})
    done = storyfs('import', dump, folder / 'a.db', '--owner', 'palpatine')
    assert done.returncode == 0, done.stderr
    return folder / 'a.db'


def path_of(mount, job):
    if job.kind == 'field':
        return mount / f'{P}/stories/{IDS[job]}/description'
    return mount / f'{P}/markdown/{IDS[job]}.md'


def is_settled(job):
    program = BY_NAME[job.program]
    is_saved = job.way == 'taken' and not is_no_document(job)

    def look(before, now):
        if job.kind == 'field' or not is_saved or not program.texts:
            return now == (EDITS[program.after](before) if is_saved else before)
        return now is not None and now != before and b'storyfs: version' in now
    return look


def names_of(mount, job):
    """All documents are in one directory: it is looked at once, when all has run."""
    return programs.names_beside(path_of(mount, job)) if job.kind == 'field' else set


def is_no_document(job):
    return job.kind == 'document' and BY_NAME[job.program].after in NO_DOCUMENT


class Ran:
    """What all that ran has left behind."""

    def __init__(self, folder, jobs):
        archive = make_archive(folder)
        self.server = Server(archive, log=folder / 'requests.log')
        tokens = {way: storyfs('user', 'token', archive, person).stdout.strip()
                  for way, person in zip(WAYS, ('palpatine', 'vader'))}
        self.server.token = tokens['taken']
        self.mounts = mounted.Mounts(folder)
        mounts = {way: self.mounts(self.server.url, '--refresh', 0, token=token)
                  for way, token in tokens.items()}
        try:
            self.outcomes = programs.run_all(jobs, lambda job: programs.attempt(
                BY_NAME[job.program], path_of(mounts[job.way], job), folder / str(IDS[job]),
                is_settled(job), names_of(mounts[job.way], job)))
            self.left = {way: set(p.name for p in (mounts[way] / P / 'markdown').iterdir())
                         for way in WAYS}
        finally:
            self.mounts.finish()
        self.requests = self.server.log()
        query = quote(':default,comments')
        self.stories = {s['id']: s for s in self.server.request(
            'GET', f'/{P}/stories?limit=10000&fields={query}').json()}
        assert self.server.stop() == 0

    def asked(self, number):
        """What was asked of the story: method, status, what follows its path, body."""
        found = [(r, re.match(rf'/services/v5/{P}/stories/{number}([/?].*)?$', r['path']))
                 for r in self.requests]
        return [(r['method'], r['status'], m.group(1) or '', r['request']) for r, m in found if m]


@pytest.fixture(scope='module')
def ran(request, tmp_path_factory):
    jobs = [Job(p['program'].name, p['kind'], p['way']) for p in programs.selected(request)
            if 'program' in p]
    return Ran(tmp_path_factory.mktemp('programs'), jobs)


def sent(job):
    """[(method, what follows the story's path, body)]: what is sent to save what the program saves."""
    program = BY_NAME[job.program]
    found = []
    for edit in program.texts if job.way == 'taken' else program.tried:
        if job.kind == 'field':
            text = EDITS[edit](LINES).decode()
            found.append(('PUT', '', {'description': text.removesuffix('\n') or None}))
        elif edit == 'four' or (edit == 'new four' and job.way == 'taken'):
            found.append(('POST', '/comments', {'text': 'four'}))
        elif edit not in NO_DOCUMENT:
            text = EDITS[edit.removesuffix(' four')](b'\n' + LINES + b'\n').decode()
            found.append(('PUT', '', {'description': text.strip('\n')}))
    return found


def check_requests(ran, job):
    """Each PUT follows one look; nothing else was asked of the story."""
    status = 200 if job.way == 'taken' else 403
    asked = [(m, s, rest, body and json.loads(body)) for m, s, rest, body in ran.asked(IDS[job])]
    expected = []
    for method, rest, body in sent(job):
        if method == 'PUT':
            expected.append(('GET', 200, '', None))
        expected.append((method, status, rest, body))
    assert asked == expected


def check_story(ran, job):
    story = ran.stories[IDS[job]]
    description, comments = LINES.decode().strip(), []
    for _, rest, body in sent(job) if job.way == 'taken' else ():
        if rest:
            comments.append(body['text'])
        else:
            description = body['description']
    assert story.get('description') == description
    assert [c['text'] for c in story['comments']] == comments
    assert {k: story[k] for k in ('name', 'estimate', 'current_state', 'owner_ids')} == {
        'name': f'Story {IDS[job]}', 'estimate': 2, 'current_state': 'unstarted', 'owner_ids': [101]}


def check_taken(job, outcome):
    """It reads back, and nothing lies about."""
    program, name = BY_NAME[job.program], path_of(pathlib.Path(), job).name
    assert outcome.status == 0, outcome.said
    if job.kind == 'field':
        assert outcome.after == EDITS[program.after](outcome.text)
    elif program.after in ('four', 'new four'):
        assert outcome.after.count(b'\nfour\n') == 1
    else:
        assert MARK.sub(b'', outcome.after) == MARK.sub(b'', EDITS[program.after](outcome.text))
    assert outcome.size == len(outcome.after)
    assert outcome.strays(program, name) == set() and outcome.gone == set()
    assert outcome.error is None and outcome.rejected is None


def check_refused(job, outcome, number, words):
    """The program is told, the old text is there, the new one beside it, and why."""
    program, name = BY_NAME[job.program], path_of(pathlib.Path(), job).name
    assert outcome.after == outcome.text and outcome.size == len(outcome.text)
    if program.sees is not None:
        told = outcome.told(program, number)
        assert told == (program.sees and bool(program.texts)), (outcome.status, outcome.said)
    beside = {'.error', f'{name}.rejected'} if program.texts else set()
    assert outcome.strays(program, name) - beside == set()
    assert outcome.gone == set()
    if not program.texts:
        assert outcome.error is None and outcome.rejected is None
        return
    assert outcome.error.startswith(f'{name}: not saved (') and words in outcome.error
    assert outcome.error in outcome.explained
    assert (outcome.rejected or b'') == EDITS[program.keeps or program.tried[-1]](outcome.text)


@pytest.mark.parametrize('way', WAYS)
@pytest.mark.parametrize('kind', KINDS)
@pytest.mark.parametrize('program', PROGRAMS, ids=lambda p: p.name)
def test_a_save_is_one_request_or_none(ran, program, kind, way):
    job = Job(program.name, kind, way)
    outcome = ran.outcomes[job].result()
    if is_no_document(job):
        check_refused(job, outcome, errno.EINVAL, NO_DOCUMENT[program.after])
    elif way == 'refused':
        check_refused(job, outcome, errno.EACCES, 'unauthorized_operation, HTTP 403')
    else:
        check_taken(job, outcome)
    check_requests(ran, job)
    check_story(ran, job)


def test_nothing_else_was_asked_or_left(ran):
    """All those saves cost no request but their own."""
    others = collections.Counter(
        (r['method'], re.sub(r'^/services/v5/?|[?&](?!fields).*|%28.*', '', r['path']))
        for r in ran.requests if not re.search(r'/stories/\d', r['path']))
    stories = f'{P}/stories?fields='
    loads = ['me', 'projects', f'{P}/memberships', f'{stories}%3Adefault%2Cfollower_ids',
             f'{stories}tasks', f'{stories}blockers%2Ccomments']
    # A look at whom a save went over, where another program's came between its look and its PUT.
    others.pop(('GET', f'{P}/activity'), None)
    assert set(others) <= {('GET', load) for load in loads} and max(others.values()) <= len(WAYS)
    for way in WAYS:
        jobs = [job for job in ran.outcomes if job.kind == 'document' and job.way == way]
        documents = {f'{i}.md' for i in IDS.values()}
        assert documents <= ran.left[way]
        left = {n for n in ran.left[way] - documents
                if not any(programs.is_its_own(BY_NAME[j.program], n, f'{IDS[j]}.md')
                           for j in jobs)}
        assert left - {'.error'} == {f'{IDS[j]}.md.rejected' for j in jobs
                                     if ran.outcomes[j].result().rejected}
