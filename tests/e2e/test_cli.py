# SPDX-License-Identifier: GPL-2.0-or-later
"""The command line: help that is true, and mistakes that are explained."""
import json
import re

import pytest

from conftest import ROOT, Server, clean_env, storyfs

COMMANDS = re.findall(r'^COMMAND\(\w+,\s*"([^"]+)"', (ROOT / 'src/app/commands.def').read_text(), re.M)


@pytest.mark.parametrize('words, message', [
    ([], 'a command is needed; see `storyfs --help`'),
    (['srve'], "there is no command 'srve'; did you mean 'serve'?"),
    (['improt'], "there is no command 'improt'; did you mean 'import'?"),
    (['quantum'], "there is no command 'quantum'; see `storyfs --help`"),
    (['user'], "'user' is the start of 'user add', 'user list', 'user token', 'user password'"),
    (['serve'], 'usage: storyfs serve ARCHIVE'),
    (['serve', 'a', 'b'], 'usage: storyfs serve ARCHIVE'),
    (['import', 'a'], 'usage: storyfs import WHAT... ARCHIVE'),
    (['serve', 'a', '--lisen', 'x'], 'serve has no option --lisen; did you mean --listen?'),
    (['serve', 'a', '--owner', 'x'], 'serve has no option --owner'),
    (['serve', 'a', '--quantum'], 'serve has no option --quantum; see `storyfs serve --help`'),
    (['serve', 'a', '--listen'], '--listen needs its ADDR:PORT'),
    (['import', 'a', 'b', '--json=yes'], '--json takes no value'),
    (['import', 'a', 'b', '-x'], 'there is no option -x; see `storyfs import --help`'),
    (['serve', 'a', '-o'], '-o needs its list of options'),
    (['serve', 'a', '-o', 'listen=x,lissten=y'], 'serve has no option --lissten; did you mean'),
    (['serve', 'a', '-o', 'listen'], '--listen needs its ADDR:PORT'),
    (['--vresion'], 'there is no option --vresion; did you mean --version?'),
])
def test_a_mistake_is_explained_and_exits_with_2(words, message):
    done = storyfs(*words)
    assert done.returncode == 2
    assert done.stdout == ''
    assert done.stderr.startswith(f'storyfs: {message}')
    assert done.stderr.count('\n') == 1


def test_the_version_is_printed():
    done = storyfs('--version')
    version = re.search(r"version: '([^']+)'", (ROOT / 'meson.build').read_text()).group(1)
    assert (done.returncode, done.stdout, done.stderr) == (0, f'storyfs {version}\n', '')


def test_help_lists_every_command():
    done = storyfs('--help')
    assert done.returncode == 0 and COMMANDS
    for command in COMMANDS:
        assert re.search(rf'^  {command} ', done.stdout, re.M), command
    assert storyfs('-h').stdout == done.stdout


def test_help_is_a_word_too():
    assert storyfs('help').stdout == storyfs('--help').stdout
    assert storyfs('help', 'user', 'list').stdout == storyfs('user', 'list', '--help').stdout


def test_help_of_commands_with_two_words():
    done = storyfs('user', '--help')
    assert (done.returncode, done.stderr) == (0, '')
    users = [c for c in COMMANDS if c.startswith('user ')]
    assert re.findall(r'^  (\w+ \w+) [A-Z]', done.stdout, re.M) == users != []
    assert storyfs('help', 'user').stdout == storyfs('user', '-h').stdout == done.stdout


@pytest.mark.parametrize('command', ['', *COMMANDS])
def test_help_has_one_column(command):
    lines = storyfs(*command.split(), '--help').stdout.splitlines()
    table = [line for line in lines if re.match(r' +-|  \S+ \S*[A-Z]|      token', line)]
    assert len(table) > 3
    for line in table:
        assert re.match(r'.{32}  \S', line), line


@pytest.mark.parametrize('command', COMMANDS)
def test_each_command_explains_itself(command):
    done = storyfs(*command.split(), '--help')
    assert done.returncode == 0
    assert done.stdout.startswith(f'storyfs {command} ')
    assert '\nOptions:\n' in done.stdout and '--help' in done.stdout
    assert all(len(line) <= 130 for line in done.stdout.splitlines())


def test_help_tells_the_defaults_of_the_table():
    rows = re.findall(r'^OPTION\(\w+, +"([^"]+)", .*?(?:\)|SWITCH), +(NULL|"[^"]+"), .*FOR\(serve\)',
                      (ROOT / 'src/app/options.def').read_text(), re.M)
    defaults = {name: value.strip('"') for name, value in rows if value != 'NULL'}
    told = dict(re.findall(r'^ +--(\S+) .*; (\S+) if not given \(', storyfs('serve', '--help').stdout, re.M))
    assert {**told, **defaults} == {**told} and len(defaults) > 5


def test_options_may_stand_anywhere_and_end_with_two_dashes(archive, tmp_path):
    done = storyfs('import', '--json', '--owner', '100', '--', tmp_path / '--none', archive)
    assert done.returncode == 1
    assert '--none: No such file or directory' in done.stderr


def listen_port(archive, *args, env=None):
    done = storyfs('serve', archive, *args, env=env)
    return re.search(r"'(\w+)' is no address", done.stderr).group(1)


def test_what_is_said_first_counts(archive, tmp_path):
    env = clean_env()
    env['XDG_CONFIG_HOME'] = str(tmp_path)
    (tmp_path / 'storyfs').mkdir()
    (tmp_path / 'storyfs/config').write_text('# mine\n\n listen = config \n')
    assert listen_port(archive, env=env) == 'config'
    env['STORYFS_LISTEN'] = 'environment'
    assert listen_port(archive, env=env) == 'environment'
    assert listen_port(archive, '-o', 'listen=list', env=env) == 'list'
    assert listen_port(archive, '--listen', 'flag', env=env) == 'flag'
    assert listen_port(archive, '--listen=flag', env=env) == 'flag'


def test_a_list_of_options_works_as_mount_passes_it(archive, tmp_path):
    server = Server(archive, '-o', f'verbose,request_log={tmp_path}/a\\,b.log')
    server.request('GET', '/me')
    assert server.stop() == 0
    assert json.loads((tmp_path / 'a,b.log').read_text())['method'] == 'GET'


def test_the_schema_is_printed_as_the_tables_have_it():
    text = storyfs('schema').stdout
    kinds = re.findall(r'^RESOURCE\((\w+)', (ROOT / 'include/storyfs/schema.def').read_text(), re.M)
    shown = re.findall(r'^(\w+) \(\w+\)$', text, re.M)
    assert shown and [k for k in kinds if k in shown] == shown
    story = storyfs('schema', 'story').stdout
    assert story in text
    assert re.search(r'^  story_type +by default  create, update  feature if not given +feature\|bug\|', story, re.M)
    assert 'rank' not in story, 'the server\'s own fields are nobody\'s business'


def test_the_schema_as_json_says_what_the_routes_take():
    described = json.loads(storyfs('schema', '--json').stdout)
    routes = {(r['method'], r['path']): r for r in described['routes']}
    create = routes['POST', '/projects/{project}/stories']
    taken = {p['key']: p for p in create['parameters']}
    assert create['kind'] == 'story' and create['access'] == 'member'
    assert taken['name']['required'] and taken['name']['max'] == 5000
    assert taken['story_type']['choices'] == ['feature', 'bug', 'chore', 'release']
    assert 'required' not in taken['story_type'] and 'url' not in taken
    fields = {r['kind']: r['fields'] for r in described['resources']}
    assert [f['default'] for f in fields['story'] if f['key'] in ('name', 'followers')] == [True, False]
    lines = storyfs('schema', '--routes').stdout.splitlines()
    assert [tuple(line.split()[:2]) for line in lines] == list(routes)


def test_the_language_of_searches_is_printed_as_its_table_has_it():
    done = storyfs('schema', '--search')
    assert (done.returncode, done.stderr) == (0, '')
    text = done.stdout
    rows = re.findall(r'^KEYWORD\("(\w+)"', (ROOT / 'src/server/search_keywords.def').read_text(), re.M)
    printed = [re.split(r', ', line[2:].split('  ')[0]) for line in text.split('\n\n')[3].splitlines()]
    assert [word for words in printed for word in words] == rows and len(rows) > 30
    for line in ('created, created_on  +a date, a range',
                 'state, current_state  +accepted, delivered, finished, ',
                 'is  +blocked, blocking, following$',
                 'no  +blocked, blocker, blockers, blocking, label, '):
        assert re.search(f'^  {line}', text, re.M), line
    assert max(map(len, text.splitlines())) <= 150
    assert ' schema --search' not in text and '--search' in storyfs('schema', '--help').stdout


@pytest.mark.parametrize('words, message', [
    (['stori'], "there is no resource 'stori'; did you mean 'story'?"),
    (['quantum'], "there is no resource 'quantum'; `storyfs schema` prints all"),
    (['story', '--json'], '--json, --routes, --search and --columns each print a whole of their own: give one of them, and name '
                          'no resource'),
    (['--routes', '--search'], '--json, --routes, --search and --columns each print a whole of their own: give one of them, and '
                               'name no resource'),
])
def test_a_schema_that_is_not_is_explained(words, message):
    done = storyfs('schema', *words)
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr == f'storyfs: {message}\n'
