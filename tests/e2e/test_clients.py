# SPDX-License-Identifier: GPL-2.0-or-later
"""Clients that were written for the public V5 service, unmodified, against `storyfs serve`.

bugwarrior (Debian's) has an option for the base URL. The two npm clients have the public host built in: its name
is led to this machine (clients/redirect.js), with a certificate that they are told to trust.
"""
import json
import os
import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import DEADLINE, ROOT, STAR, storyfs, write_dump

HERE = pathlib.Path(__file__).parent / 'clients'
MODULES = pathlib.Path(os.environ.get('STORYFS_CLIENTS', ROOT / 'build-check-clients')) / 'node_modules'
HOST = 'www.pivotaltracker.com'
PASSWORD = 'correct horse battery'

# The examples of the npm package have these people's ids in them.
WORLD = {
    **STAR,
    'person': [*STAR['person'],
               {'kind': 'person', 'id': 123, 'name': 'Grand Moff Tarkin', 'initials': 'GT', 'username': 'tarkin',
                'email': 'tarkin@deathstar.mil'},
               {'kind': 'person', 'id': 456, 'name': 'Admiral Motti', 'initials': 'AM', 'username': 'motti',
                'email': 'motti@deathstar.mil'}],
    'epic': [{'kind': 'epic', 'id': 1034694, 'project_id': 99, 'name': 'Research',
              'label': {'id': 2008, 'project_id': 99, 'name': 'rnd'}, 'url': 'http://localhost/epic/show/1034694',
              'created_at': '2014-01-02T00:00:00Z', 'updated_at': '2014-01-02T00:00:00Z'}],
}


@pytest.fixture(scope='module')
def world(tmp_path_factory):
    base = tmp_path_factory.mktemp('clients')
    done = storyfs('import', write_dump(base / 'dump', WORLD), base / 'a.db', '--owner', 'palpatine')
    assert done.returncode == 0, done.stderr
    return base


@pytest.fixture
def archive(world, tmp_path):
    return pathlib.Path(shutil.copy(world / 'a.db', tmp_path / 'a.db'))


@pytest.fixture(scope='module')
def certificate(tmp_path_factory):
    """A key and a certificate for the public host's name, signed by itself."""
    base = tmp_path_factory.mktemp('tls')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
                    '-keyout', base / 'key.pem', '-out', base / 'cert.pem', '-days', '2', '-subj', f'/CN={HOST}',
                    '-addext', f'subjectAltName=DNS:{HOST},IP:127.0.0.1'],
                   check=True, capture_output=True, timeout=DEADLINE)
    return base


@pytest.fixture
def secure(archive, serve, certificate):
    """A server with TLS, and the environment in which a node client finds it."""
    if not MODULES.is_dir():
        pytest.skip(f'the npm clients are not in {MODULES.parent}; packaging/install-clients puts them there')
    server = serve(archive, '--tls-cert', certificate / 'cert.pem', '--tls-key', certificate / 'key.pem')
    env = {**os.environ, 'NODE_PATH': str(MODULES), 'NODE_EXTRA_CA_CERTS': str(certificate / 'cert.pem'),
           'V5_PORT': str(server.port), 'V5_TOKEN': server.token, 'V5_PROJECT': '99', 'NODE_NO_WARNINGS': '1'}
    return server, env


def node(script, *args, env, cwd=None):
    done = subprocess.run(['node', '--require', HERE / 'redirect.js', script, *map(str, args)], capture_output=True,
                          text=True, timeout=DEADLINE, env=env, cwd=cwd, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, done.stderr
    return done.stdout


# ---- pivotaljs ----

def test_pivotaljs_does_a_days_work(secure, tmp_path):
    server, env = secure
    (tmp_path / 'plan.txt').write_text('thermal exhaust port\n')
    came = json.loads(node(HERE / 'day.js', env={**env, 'V5_FILE': str(tmp_path / 'plan.txt')}))
    assert [p['name'] for p in came['projects']] == ['Death Star']
    assert came['story']['name'] == 'Made by pivotaljs' and came['story']['story_type'] == 'bug'
    assert came['tasks'] == [came['task']] and came['task']['position'] == 1
    assert came['storyLabel'] == came['label'] and came['storyLabels'] == [came['label']]
    assert [label['name'] for label in came['labels']] == ['from-js', 'rnd']
    assert came['updated']['current_state'] == 'started' and came['got'] == {**came['updated'],
                                                                            'updated_at': came['got']['updated_at']}
    assert [c['text'] for c in came['comments']] == ['see the file']
    assert sorted(m['person']['name'] for m in came['memberships'])[0] == 'Darth Vader'
    assert len(came['stories']) == 3 and len({s['id'] for s in came['stories']}) == 3
    assert all(isinstance(a['occurred_at'], int) for a in came['activity'])
    assert [a['guid'] for a in came['storyActivity']] == [a['guid'] for a in came['activity']
                                                          if a['kind'] != 'label_create_activity']
    assert len(came['myActivity']) == 3
    assert any(came['story']['id'] == s['id'] for i in came['current'] for s in i['stories'])
    assert [i['number'] for i in came['iterations']] == list(range(1, len(came['iterations']) + 1))
    file = server_file(server, came['story']['id'])
    assert file == b'thermal exhaust port\n'


def server_file(server, story):
    comments = [c for c in json.loads(request(server, 'GET',
        f'/services/v5/projects/99/stories/{story}/comments?fields=file_attachments'))]
    return request(server, 'GET', comments[0]['file_attachments'][0]['download_url'])


def request(server, method, path):
    """Over TLS, the certificate aside: that is the clients' to check."""
    done = subprocess.run(['curl', '-sSfk', '-X', method, '-H', f'X-TrackerToken: {server.token}',
                           f'https://127.0.0.1:{server.port}{path}'], capture_output=True, timeout=DEADLINE, check=True)
    return done.stdout


# ---- pivotaltracker ----

@pytest.fixture
def example(secure, archive):
    """Runs an example of the package as its comment says: by user name and password."""
    server, env = secure
    for person in ('palpatine',):
        done = subprocess.run([os.environ['STORYFS_BIN'], 'user', 'password', archive, person], input=PASSWORD + '\n',
                              text=True, capture_output=True, timeout=DEADLINE)
        assert done.returncode == 0, done.stderr

    def run(name, *args):
        # Text that node prints of the client's objects: fields as it shows them, in camel case.
        return node(MODULES / 'pivotaltracker/examples' / f'{name}.js' if isinstance(name, str) else name,
                    'palpatine', PASSWORD, *args, env=env)

    run.server = server
    return run


def field(text, name):
    found = re.search(rf"\b{name}: (?:\[Getter/Setter: )?'?(.*?)'?\]?,?$", text, re.M)
    assert found, f'no {name} in {text}'
    return found.group(1)


def test_pivotaltracker_gets_a_token_by_password(example):
    assert re.fullmatch(r'[0-9a-f]{32}', example(HERE / 'token.js').strip())


def test_pivotaltracker_makes_and_reads_what_its_examples_do(example, tmp_path):
    project = example('create-project')
    assert field(project, 'name') == 'testy-test 17' and field(project, 'pointScale') == '2,4,6,8,20'
    for person in (123, 456):
        json.loads(request_json(example.server, '/projects/99/memberships', {'person_id': person, 'role': 'member'}))
    story = example('create-story', 99)
    assert field(story, 'name') == 'hay guyz, this is a test' and field(story, 'currentState') == 'started'
    story_id = field(story, 'id')
    assert "'hay guyz, this is a test'" in example('get-story', 99, story_id)
    assert story_id in example('get-story', 99)
    assert 'whoa, auto new story comment!' in example('get-comment', 99, story_id)
    example('create-comment', 99, story_id)
    assert 'wow, auto new story task' in json.dumps(json.loads(
        request(example.server, 'GET', f'/services/v5/projects/99/stories/{story_id}/tasks')))
    epic = example('create-epic', 99)
    assert field(epic, 'projectId') == '99'
    assert 'Research' in example('get-epic', 99, 1034694)
    assert 'rnd' in example('get-labels', 99)
    assert field(example('get-project', 99), 'name') == 'Death Star'
    assert 'Darth Vader' in example('get-projectmembership', 99)
    assert 'added this feature' in example('get-activity', 99)
    assert story_id in example('search-project', 99, 'hay')
    assert 'iteration' in example('get-iterations', 99)
    # Asked for all accounts, the client refuses by itself, so that its example for one cannot know an id.
    account = json.loads(request(example.server, 'GET', '/services/v5/accounts'))[0]['id']
    assert 'Emperor Palpatine' in example('get-accountmembership', account)


def request_json(server, path, body):
    done = subprocess.run(['curl', '-sSfk', '-H', f'X-TrackerToken: {server.token}', '-H',
                           'Content-Type: application/json', '-d', json.dumps(body),
                           f'https://127.0.0.1:{server.port}/services/v5{path}'], capture_output=True,
                          timeout=DEADLINE, check=True)
    return done.stdout


def test_pivotaltracker_moves_files(example, tmp_path):
    plan = tmp_path / 'plan.bin'
    plan.write_bytes(os.urandom(300_000))
    attachment = example('attachment-upload', 99, plan)
    assert field(attachment, 'filename') == 'plan.bin' and field(attachment, 'size') == '300000'
    target = MODULES / 'pivotaltracker/examples/test-file.pdf'
    assert 'Download complete!' in example('attachment-download', field(attachment, 'id'))
    assert target.read_bytes() == plan.read_bytes()
    target.unlink()


# ---- bugwarrior ----

def test_bugwarrior_pulls_stories_into_taskwarrior(archive, serve, tmp_path):
    server = serve(archive)
    server.request('PUT', '/projects/99/stories/555', {'owner_ids': [100, 101], 'current_state': 'started'})
    server.request('POST', '/projects/99/stories/555/tasks', {'description': 'count the passengers'})
    server.request('POST', '/projects/99/stories/555/blockers', {'description': 'no droids'})
    server.request('POST', '/projects/99/stories', {'name': 'not mine', 'current_state': 'unstarted'})
    me = server.request('GET', '/me').json()
    accounts = [str(a['id']) for a in server.request('GET', '/account_summaries').json()]
    home = tmp_path / 'home'
    (home / '.config/bugwarrior').mkdir(parents=True)
    (home / '.taskrc').write_text(f'data.location={home}/.task\nconfirmation=off\nnews.version=9.9.9\n')
    (home / '.config/bugwarrior/bugwarriorrc').write_text(f'''
[general]
targets = star
annotation_comments = True
log.level = WARNING

[star]
service = pivotaltracker
pivotaltracker.host = {server.url.removesuffix('/v5')}
pivotaltracker.version = v5
pivotaltracker.token = {server.token}
pivotaltracker.user_id = {me['id']}
pivotaltracker.account_ids = {','.join(accounts)}
pivotaltracker.import_labels_as_tags = True
''')
    env = {'PATH': '/usr/bin:/bin', 'HOME': str(home), 'LC_ALL': 'C.UTF-8'}
    # So that taskwarrior knows the attributes' types, as bugwarrior's manual has it.
    with (home / '.taskrc').open('a') as taskrc:
        subprocess.run(['bugwarrior-uda'], env=env, stdout=taskrc, timeout=DEADLINE, check=True)
    for _ in range(2):  # the second time changes nothing
        done = subprocess.run(['bugwarrior-pull'], env=env, capture_output=True, text=True, timeout=DEADLINE,
                              stdin=subprocess.DEVNULL)
        assert done.returncode == 0, done.stdout + done.stderr
        tasks = json.loads(subprocess.run(['task', 'rc.json.array=on', 'export'], env=env, capture_output=True,
                                          text=True, timeout=DEADLINE, check=True).stdout)
        assert [t['pivotalid'] for t in tasks] == [555]
    task = tasks[0]
    assert task['pivotalstorytype'] == 'feature' and task['pivotalestimate'] == 2
    assert task['pivotalprojectname'] == 'Death Star' and task['tags'] == ['rnd']
    assert 'no droids' in task['pivotalblockers']
    assert set(task['pivotalowners'].split(', ')) == {'palpatine', 'vader'}
    assert any('count the passengers' in a['description'] for a in task['annotations'])
