# SPDX-License-Identifier: GPL-2.0-or-later
"""Texts that were written to break something, in every place that has a text: no program that walks
the whole tree fails, each name is one, and a host that sends what is no V5 costs that much alone."""
import http.server
import json
import os
import subprocess
import threading
import unicodedata

import pytest

import mounted
from conftest import DEADLINE, V5, Server, storyfs, write_dump

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

TEXTS = ['\x1b[2J\x07\x7f\x9b31m', '..', '.', '../../etc/passwd', '/', 'a/b', '.hidden', 'x' * 5000,
         'é' * 200, '𝔘' * 80, 'CASE', 'case', '👩‍👩‍👧', '\u202eevil\u2066x\u2069', 'a\nb\tc\r\nd', '\u200b',
         '\ufeffbom', 'git~1', 'GIT~1', '-rf', '*', '~', '"quoted"', "it's", 'label:x', 'a,b', '%2e%2e',
         'new', 'story.md', '\ufdd0', '1-9-x', 'x', 'x', 'x (12)', '\\', '.git', 'a\u2028b', '---',
         '<!-- storyfs: 1 -->', '- [ ] x', '\t', 'null']
AT = {'created_at': '2014-01-01T00:00:00Z', 'updated_at': '2014-01-01T00:00:00Z'}
P = 99


def hostile_dump():
    people = [{'kind': 'person', 'id': 100, 'name': 'Owner', 'initials': 'OW', 'username': 'owner'}]
    people += [{'kind': 'person', 'id': 200 + i, 'name': t[:255], 'initials': t[:4], 'username': f'u{i}'}
               for i, t in enumerate(TEXTS)]
    below = {'project_id': P, **AT}
    return {
        'project': [{'kind': 'project', 'id': P, 'name': TEXTS[0], 'version': 5, 'point_scale': '0,1', **AT}] + [
            {'kind': 'project', 'id': 1000 + i, 'name': t[:255], 'version': 1, **AT}
            for i, t in enumerate(TEXTS[1:8])],
        'person': people,
        'project_membership': [{'kind': 'project_membership', 'id': 9000 + i, 'person_id': p['id'],
                                'role': 'member', **below} for i, p in enumerate(people)],
        'label': [{'kind': 'label', 'id': 3000 + i, 'name': t[:255], **below} for i, t in enumerate(TEXTS)],
        'epic': [{'kind': 'epic', 'id': 4000 + i, 'name': t, 'description': t, **below}
                 for i, t in enumerate(TEXTS)],
        'story': [{'kind': 'story', 'id': 5000 + i, 'name': t, 'description': t * (20000 // len(t)),
                   'story_type': 'feature', 'current_state': 'unstarted', 'requested_by_id': 100,
                   'owner_ids': [200 + i], 'labels': [{'id': 3000 + i, 'project_id': P, 'name': t[:255]}],
                   'comments': [{'id': 6000 + i, 'story_id': 5000 + i, 'text': t, 'person_id': 200 + i, **AT}],
                   'tasks': [{'id': 7000 + i, 'story_id': 5000 + i, 'description': t[:1000], 'position': 1, **AT}],
                   **below} for i, t in enumerate(TEXTS)]}


@pytest.fixture(scope='module')
def hostile(tmp_path_factory):
    base = tmp_path_factory.mktemp('hostile')
    done = storyfs('import', write_dump(base / 'dump', hostile_dump()), base / 'a.db', '--owner', 'owner')
    assert done.returncode == 0, done.stderr
    server = Server(base / 'a.db')
    server.token = storyfs('user', 'token', base / 'a.db').stdout.strip()
    for text in TEXTS:
        if text.strip():
            assert server.request('POST', f'/projects/{P}/my/searches',
                                  {'name': text[:100], 'query': 'label:x'}).status == 200
    mounts = mounted.Mounts(base)
    yield mounts(server.url, token=server.token)
    mounts.finish()
    assert server.stop() == 0, server.errors


def entries(folder):
    for entry in os.scandir(folder):
        yield entry
        if entry.is_dir(follow_symlinks=False):
            yield from entries(entry.path)


def test_each_name_is_one_and_leads_somewhere(hostile):
    n = 0
    for entry in entries(bytes(hostile.path)):
        name = entry.name.decode()
        assert len(entry.name) <= 255
        assert not any(unicodedata.category(c) in ('Cc', 'Cf', 'Zl', 'Zp') for c in name), name
        os.stat(entry.path)
        n += 1
    assert n > 40 * len(TEXTS)


@pytest.mark.parametrize('command', [
    'find .', 'ls -lR .', 'tar cf - .', 'rsync -a ./ {out}/',
    'git --git-dir={out}/.git --work-tree=. init -q && git --git-dir={out}/.git --work-tree=. add -A'])
def test_programs_that_walk_the_tree(hostile, command, tmp_path):
    done = subprocess.run(command.format(out=tmp_path), shell=True, cwd=hostile.path, timeout=DEADLINE,
                          stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    assert done.returncode == 0, done.stderr
    assert b'cannot' not in done.stderr and b'error' not in done.stderr, done.stderr


def test_each_text_is_there_as_it_is_and_each_document_comes_back(hostile):
    for i, text in enumerate(TEXTS):
        story = hostile / f'projects/{P}/stories/{5000 + i}'
        assert (story / 'name').read_bytes() == text.encode() + b'\n'
        assert (story / f'comments/{6000 + i}/text').read_bytes() == text.encode() + b'\n'
        document = hostile / f'projects/{P}/markdown/{5000 + i}.md'
        read = document.read_bytes()
        document.write_bytes(read)  # refused when it is not understood
        assert document.read_bytes() == read
    assert not os.path.exists(hostile / f'projects/{P}/markdown/.error')
    assert (hostile / '.storyfs/errors').read_text() == ''


# Stories as a host sends them, byte for byte; the first and the last are good.
STORIES = b'''[{"id":1,"name":"first"},
{"id":2,"name":"a\xff\\ud800\\u0000z"},{"name":"no id"},{"id":-3,"name":"negative"},
{"id":99999999999999999999,"name":"huge"},{"id":140737488355328,"name":"large"},{"id":1,"name":"again"},
{"id":4,"name":["no text"],"estimate":"three","labels":7},{"id":5,"name":"NaN","estimate":NaN},
7,null,{"id":6,"name":"\x1b]0;title\x07"},{"id":7,"name":"last"}]'''


class Host(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def log_message(self, *args):
        pass

    def do_GET(self):
        path = self.path.split('?')[0].removeprefix(V5)
        body = {'/me': b'{"id":1,"name":"Me"}', '/projects/9/stories': STORIES,
                '/projects': json.dumps([{'id': 9, 'name': 'P', 'version': 1}]).encode()}.get(path, b'[]')
        if 'offset=' in self.path and 'offset=0' not in self.path:
            body = b'[]'
        self.send_response(200)
        self.send_header('Content-Type', 'application/json')
        self.send_header('X-Tracker-Pagination-Total', str(2 ** 63 - 1))
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def test_a_story_that_is_none_leaves_the_others(tmp_path):
    host = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Host)
    host.daemon_threads = True
    threading.Thread(target=host.serve_forever, daemon=True).start()
    mounts = mounted.Mounts(tmp_path)
    mount = mounts(f'http://127.0.0.1:{host.server_port}{V5}', token='0' * 32)
    stories = mount / 'projects/9/stories'
    names = {n: (stories / n / 'name').read_text() for n in os.listdir(stories) if n.isdigit()}
    errors = (mount / '.storyfs/errors').read_text()
    mounts.finish()
    host.shutdown()
    assert names == {'1': 'first\n', '2': 'a\ufffd\ufffd\ufffdz\n', '4': '', '5': 'NaN\n',
                     '6': '\x1b]0;title\x07\n', '7': 'last\n'}
    for told in ('[1].name: not all of it is text', '[2].id: missing', 'story -3: ', 'story 140737488355328: ',
                 '[7].name: expected text', '[7].estimate: expected number', '[8].estimate: expected number',
                 '[9]: expected an object', 'story 1: it is there twice'):
        assert told in errors, errors
    assert not any(unicodedata.category(c) == 'Cc' and c != '\n' for c in errors)
