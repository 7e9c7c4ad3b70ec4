# SPDX-License-Identifier: GPL-2.0-or-later
"""`storyfs user`: people put in, given tokens and passwords, taken out; and what they can do then."""
import base64
import http.client
import json
import re
import subprocess

from conftest import BIN, clean_env, storyfs
import terminal


def user(command, archive, *args, **more):
    done = storyfs('user', command, archive, *args, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(command, archive, *args):
    done = storyfs('user', command, archive, *args)
    assert done.returncode == 1 and done.stdout == ''
    assert done.stderr.startswith(f'storyfs: user {command}: ') and done.stderr.count('\n') == 1
    return done.stderr


def set_password(archive, person, text):
    return subprocess.run([BIN, 'user', 'password', archive, person], input=text + '\n',
                          capture_output=True, text=True, env=clean_env(), timeout=60)


def log_in(server, name, password):
    credentials = base64.b64encode(f'{name}:{password}'.encode()).decode()
    return server.request('GET', '/me', token=False,
                          headers={'Authorization': f'Basic {credentials}'})


def test_a_person_is_put_in_and_works(archive, serve):
    line = user('add', archive, 'Leia Organa', '--email', 'leia@alderaan.org', '--username', 'leia',
                '--project', '99', '--role', 'viewer')
    assert re.fullmatch(r'\d+\tleia\tleia@alderaan.org\tLeia Organa\n', line)
    server = serve(archive, person='leia')
    me = server.request('GET', '/me').json()
    assert me['initials'] == 'LO' and me['projects'][0]['role'] == 'viewer'
    assert server.request('GET', '/projects/99/stories').status == 200
    assert server.request('POST', '/projects/99/stories', {'name': 'x'}).status == 403
    last = server.request('GET', '/projects/99/activity?limit=1').json()[0]
    assert last['kind'] == 'project_membership_create_activity'
    assert last['performed_by']['name'] == 'Emperor Palpatine'


def test_what_cannot_be_is_explained(archive):
    user('add', archive, 'Leia', '--username', 'leia')
    assert 'Username has already been taken' in refused('add', archive, 'B', '--username', 'LEIA')
    assert 'Email has already been taken' in \
        refused('add', archive, 'B', '--email', 'VADER@deathstar.mil')
    assert "is not a valid email address" in refused('add', archive, 'B', '--email', 'x')
    assert "Name can't be blank" in refused('add', archive, ' ')
    assert "no project '7'; there are: Death Star (99)" in \
        refused('add', archive, 'B', '--project', '99,7')
    assert "'boss' is no role" in refused('add', archive, 'B', '--role', 'boss')
    assert 'B\n' not in user('list', archive)


def test_a_project_can_be_named(archive, serve):
    server = serve(archive)
    other = server.request('POST', '/projects', {'name': 'Endor'}).json()['id']
    made = json.loads(user('add', archive, 'Leia', '--project', 'Endor,99', '--json'))
    assert sorted(p['id'] for p in made['projects']) == sorted([99, other])
    user('add', archive, 'Wicket')
    token = user('token', archive, 'Wicket').strip()
    assert server.request('POST', '/projects', {'name': 'Endor'}, token=token).status == 200
    assert "several projects 'Endor'; use the id" in \
        refused('add', archive, 'Han', '--project', 'Endor')
    assert 'Han' not in user('list', archive)


def test_json_is_for_scripts(archive):
    made = json.loads(user('add', archive, 'Leia', '--project', 'all', '--json'))
    assert made['name'] == 'Leia' and made['projects'] == [{'id': 99, 'role': 'member'}]
    assert (made['password'], made['tokens'], made['owner']) == (False, 0, False)
    assert re.fullmatch(r'[0-9a-f]{32}',
                        json.loads(user('token', archive, 'Leia', '--json'))['token'])
    everybody = {p['name']: p for p in json.loads(user('list', archive, '--json'))}
    assert everybody['Leia']['tokens'] == 1 and everybody['Emperor Palpatine']['owner']


def test_tokens_are_listed_and_revoked(archive, serve):
    token = user('token', archive, 'vader', '--label', 'my script').strip()
    kept = user('token', archive, 'vader').strip()
    server = serve(archive)

    def works(t):
        return server.request('GET', '/me', token=t).status == 200
    listed = user('token', archive, 'vader', '--list')
    assert token not in listed and len(listed.splitlines()) == 2
    key, made, label = next(x for x in listed.splitlines() if 'my script' in x).split('\t')
    assert re.fullmatch(r'[0-9a-f]{8}', key) and re.match(r'\d{4}-\d\d-\d\dT', made)
    assert json.loads(user('token', archive, 'vader', '--list', '--json'))[0]['id']
    assert works(token) and works(kept)
    user('token', archive, 'vader', '--revoke', key)
    assert not works(token) and works(kept)
    assert f"no token '{key}'" in refused('token', archive, 'vader', '--revoke', key)
    user('token', archive, 'vader', '--revoke', 'all')
    assert not works(kept) and user('token', archive, 'vader', '--list') == ''


def test_a_password_opens_me(archive, serve):
    server = serve(archive)
    assert set_password(archive, 'vader', 'i am your father').returncode == 0
    assert log_in(server, 'vader', 'wrong password').status == 403
    answer = log_in(server, 'vader@deathstar.mil', 'i am your father')
    assert answer.status == 200
    token = answer.json()['api_token']
    assert server.request('GET', '/projects', token=token).status == 200
    assert log_in(server, 'vader', 'i am your father').json()['api_token'] == token
    # A revoked one does not come back.
    key = user('token', archive, 'vader', '--list').split('\t')[0]
    user('token', archive, 'vader', '--revoke', key)
    assert server.request('GET', '/projects', token=token).status == 403
    fresh = log_in(server, 'vader', 'i am your father').json()['api_token']
    assert fresh != token
    # Another password ends the token of the one before, and only that one.
    other = user('token', archive, 'vader').strip()
    assert set_password(archive, 'vader', 'i am your brother').returncode == 0
    assert server.request('GET', '/projects', token=fresh).status == 403
    assert server.request('GET', '/projects', token=other).status == 200
    user('password', archive, 'vader', '--remove')
    assert log_in(server, 'vader', 'i am your brother').status == 403
    assert server.stop() == 0
    assert 'father' not in server.errors and 'a log-in failed' in server.errors
    assert 'from 127.0.0.1' in server.errors


def test_a_bad_password_is_refused(archive):
    for text in ('short', '', 'x' * 300):
        done = set_password(archive, 'vader', text)
        assert done.returncode == 1 and 'a password has 8 to 256 bytes' in done.stderr


def test_the_terminal_shows_no_password(archive, tmp_path, serve):
    def typed(*keys):
        return terminal.run([str(BIN), 'user', 'password', str(archive), 'vader'], clean_env(),
                            tmp_path, list(zip(('New password: ', 'Again: '), keys)))
    status, shown = typed(b'there is no try\n', b'there is no try\n')
    assert status == 0 and 'New password: ' in shown and 'Again: ' in shown
    assert 'there' not in shown
    assert log_in(serve(archive), 'vader', 'there is no try').status == 200
    status, shown = typed(b'there is no try\n', b'there is a try\n')
    assert status == 1 and 'these are two' in shown


def test_who_is_removed_is_gone_but_named(archive, serve):
    user('add', archive, 'Leia', '--username', 'leia', '--project', '99')
    server = serve(archive, person='leia')
    story = server.request('POST', '/projects/99/stories', {'name': 'help me'}).json()
    assert set_password(archive, 'leia', 'only hope').returncode == 0
    assert log_in(server, 'leia', 'only hope').status == 200
    user('remove', archive, 'leia')
    assert server.request('GET', '/me').status == 403
    assert log_in(server, 'leia', 'only hope').status == 403
    server = serve(archive)
    members = server.request('GET', '/projects/99/memberships').json()
    assert 'Leia' not in [m['person']['name'] for m in members]
    shown = server.request('GET', f"/stories/{story['id']}?fields=requested_by").json()
    assert shown['requested_by']['name'] == 'Leia'
    account = server.request('GET', '/accounts').json()[0]['id']
    people = server.request('GET', f'/accounts/{account}/memberships').json()
    assert 'Leia' not in [m['person']['name'] for m in people]
    assert 'its owner cannot be removed' in refused('remove', archive, 'palpatine')


def test_a_projects_only_owner_stays(archive, serve):
    user('add', archive, 'Leia', '--username', 'leia')
    server = serve(archive, person='leia')
    project = server.request('POST', '/projects', {'name': 'Rebellion'}).json()
    text = refused('remove', archive, 'leia')
    assert f"project {project['id']}" in text and 'at least one owner' in text
    assert server.request('GET', '/me').status == 200


def test_failed_log_ins_of_one_address_are_not_anothers_on_a_socket_of_both_kinds(archive, serve):
    # IPv4 callers of [::] come as ::ffff:a.b.c.d, which are one network of IPv6.
    assert set_password(archive, 'vader', 'i am your father').returncode == 0
    server = serve(archive, listen='[::]:0')
    server.host = '127.0.0.1'

    def log_in_from(address, name, password):
        connection = http.client.HTTPConnection('127.0.0.1', server.port, timeout=60,
                                                source_address=(address, 0))
        credentials = base64.b64encode(f'{name}:{password}'.encode()).decode()
        answer = server.request('GET', '/me', token=False, connection=connection,
                                headers={'Authorization': f'Basic {credentials}'})
        connection.close()
        return answer.status

    statuses = [log_in_from('127.0.0.2', f'nobody{i}', 'a wrong one') for i in range(40)]
    assert statuses[0] == 403 and statuses[-1] == 429
    assert log_in_from('127.0.0.3', 'nobody', 'a wrong one') == 403
    assert log_in_from('127.0.0.3', 'vader', 'i am your father') == 200
