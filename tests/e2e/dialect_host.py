# SPDX-License-Identifier: GPL-2.0-or-later
"""A host that speaks nearly V5, before one that speaks it: each difference of src/api/dialects.def, and times that do not
move with owners. What is V5's and not the dialect's is refused, so that nobody passes by luck.

STORYFS_TEST_DIALECT=1 (or `title+owners`) puts one before each server of the tests.
"""
import json
import os
import re
import subprocess
import sys
import types
import urllib.parse

from badhost import BadHost

MOST = 50
ALL = frozenset({'title', 'owners', 'bearer', 'pages', 'clause', 'doubt', 'still'})
KEYS = {'title': ('name', 'title'), 'owners': ('owner_ids', 'owners')}
REFUSALS = [(500, []), (502, []), (503, [('Retry-After', '0')])]
JSON = [('Content-Type', 'application/json')]


# Of the tests for V5 hosts, those that look for what a dialect makes different: a part of the test's id -> why.
COUNTS = 'it counts requests, or reads them in the log'
CLIENT = 'a V5 client of its own asks the host'
CANNOT = {
    'test_save_requests.py': COUNTS,
    'test_tree.py::test_requests_depend_on_pages_alone': COUNTS,
    'test_happened.py::test_all_histories_cost_two_requests': COUNTS,
    'test_tree.py::test_the_two_calls_of_the_announcement_work': CLIENT,
    'test_conflicts.py::test_vim': CLIENT,
    'test_uploads.py::test_a_large_file_is_never_in_memory': CLIENT,
    'test_files.py': CLIENT,
    'test_serve.py': CLIENT,
    'test_clients.py::test_bugwarrior': CLIENT,
    'test_indexers.py::test_who_walks_through_all': COUNTS,
    'test_clone.py::test_a_server_that_dies_three_times': 'the server dies, and the host before it does not',
    'test_command_mount.py::test_without_a_good_token_there_is_no_mount': 'the words of a refused token are the host\'s',
    'test_mount.py::test_a_rejected_text_can_be_sent_by_renaming_it': 'EHOSTDOWN says that nothing was done, which is in doubt',
    'test_conflicts.py::test_no_update_is_lost': 'of a write in doubt over which another came it is said that it failed',
}


def cannot(test):
    return next((reason for part, reason in CANNOT.items() if part in test), None)


def wanted():
    """The differences that all tests are to be run with, or None."""
    words = os.environ.get('STORYFS_TEST_DIALECT')
    return None if not words else ALL if words == '1' else frozenset(words.split('+'))


def refuse(status, words):
    return status, JSON, json.dumps({'error': words}).encode()


def is_of_stories(path):
    names = [s for s in path.split('/') if s and not s.isdigit() and s != 'bulk']
    return names[-1] == 'stories'


def has_clauses(query):
    return len(re.findall(r'(?:"[^"]*"|\([^)]*\)|[^\s"(])+', query)) > 1


class DialectHost(BadHost):
    """every: of the writes, is answered with 5xx and carried out. strict: refuses larger pages than it has."""

    def __init__(self, to, differences=ALL, every=3, strict=False):
        self.differences, self.every, self.strict = frozenset(differences), every, strict
        self.n_writes, self.n_doubtful = 0, 0
        self.shown, self.still = {}, {}  # story -> updated_at; (story, updated_at) -> as it was before
        super().__init__(to)

    def has(self, word):
        return word in self.differences

    def well(self, h):
        h.answer(*(self.take(h) or self.give(h, *h.forward())))

    # ---- requests ----

    def take(self, h):
        """Put it into V5's words; the answer, when it is refused."""
        url = urllib.parse.urlsplit(h.path)
        query = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        refused = (self.take_token(h) or self.take_query(query, is_of_stories(url.path))
                   or self.take_body(h, is_of_stories(url.path)))
        if query:
            h.path = f'{url.path}?{urllib.parse.urlencode(query, quote_via=urllib.parse.quote)}'
        return refused

    def take_token(self, h):
        if not self.has('bearer'):
            return None
        said = h.headers.get('Authorization', '')
        if 'X-TrackerToken' in h.headers or not said.startswith('Bearer '):
            return refuse(401, 'A bearer token is wanted.')
        del h.headers['Authorization']
        h.headers['X-TrackerToken'] = said.removeprefix('Bearer ')
        return None

    def take_query(self, query, of_stories):
        if self.has('pages') and int(query.get('limit', 0)) > MOST:
            if self.strict:
                return refuse(400, f'limit: {MOST} at most')
            query['limit'] = str(MOST)
        if self.has('clause') and has_clauses(query.get('filter', '')):
            return refuse(400, 'filter: one clause at most')
        if 'fields' in query and of_stories:
            for ours, theirs in self.keys():
                for word, becomes in ((ours, 'id'), (theirs, ours)):
                    query['fields'] = re.sub(rf'(?<![\w(]){word}(?=,|$)', becomes, query['fields'])
        return None

    def take_body(self, h, of_stories):
        if not h.sent or not of_stories or 'json' not in h.headers.get('Content-Type', ''):
            return None
        body = json.loads(h.sent)
        for ours, theirs in self.keys():
            if ours in body:
                return refuse(400, f'there is no {ours}')
            if theirs in body:
                value = body.pop(theirs)
                body[ours] = [one['user_id'] for one in value] if theirs == 'owners' else value
        h.sent = json.dumps(body).encode()
        return None

    def keys(self):
        return [KEYS[word] for word in KEYS if self.has(word)]

    # ---- answers ----

    def give(self, h, status, headers, body):
        if 200 <= status < 300 and body and body[:1] in b'[{':
            data = json.loads(body)
            if self.has('still'):
                self.keep_still(h, data)
            self.rename(data, 'story' if is_of_stories(urllib.parse.urlsplit(h.path).path) else None)
            body = json.dumps(data).encode()
        return self.doubt(h, status) or (status, headers, body)

    def keep_still(self, h, data):
        owners_alone = h.command == 'PUT' and h.sent and set(json.loads(h.sent)) == {'owner_ids'}
        for story in data if isinstance(data, list) else [data]:
            if not isinstance(story, dict) or story.get('kind') != 'story' or 'updated_at' not in story:
                continue
            at = story['id'], story['updated_at']
            if owners_alone and story['id'] in self.shown:
                self.still[at] = self.shown[story['id']]
            story['updated_at'] = self.shown[story['id']] = self.still.get(at, at[1])

    def rename(self, value, kind):
        for item in value if isinstance(value, list) else []:
            self.rename(item, kind)
        if not isinstance(value, dict):
            return
        kind = value.get('kind', kind)
        if kind == 'story':
            said = [self.said(key, item) for key, item in value.items()]
            value.clear()
            value.update(said)
        for key, item in value.items():
            self.rename(item, kind if key in ('new_values', 'original_values') else None)

    def said(self, key, value):
        theirs = dict(self.keys()).get(key)
        return theirs or key, [{'user_id': i} for i in value] if theirs == 'owners' else value

    def doubt(self, h, status):
        """What was done is said to have failed."""
        if not self.has('doubt') or h.command == 'GET' or status >= 300 or 'multipart' in h.headers.get(
                'Content-Type', ''):
            return None
        with self.lock:
            self.n_writes += 1
            if self.n_writes % self.every:
                return None
            self.n_doubtful += 1
            status, headers = REFUSALS[self.n_doubtful % len(REFUSALS)]
        return status, headers + [('Content-Type', 'text/html')], b'<html><h1>Something went wrong</h1></html>'


class Front:
    """A DialectHost in a process of its own, so that it answers whatever the test waits for."""
    host = '127.0.0.1'

    def __init__(self, to, differences):
        self.process = subprocess.Popen(
            [sys.executable, __file__, to.host, str(to.port), '+'.join(differences)], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())
        self.url = f'http://{self.host}:{self.port}/services/v5'

    def end(self):
        self.process.communicate(timeout=60)


def main(host, port, words):
    """Until standard input ends, as it does when whoever started this is gone."""
    front = DialectHost(types.SimpleNamespace(host=host, port=int(port)), words.split('+'))
    print(front.port, flush=True)
    sys.stdin.read()
    front.end()


if __name__ == '__main__':
    main(*sys.argv[1:])
