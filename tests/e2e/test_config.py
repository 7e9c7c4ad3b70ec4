# SPDX-License-Identifier: GPL-2.0-or-later
"""The configuration: what counts of what is said where, sources with names, and a file with mistakes."""
import json
import os

import pytest

from conftest import clean_env, storyfs
from mounted import can_mount

TOKEN = 'b' * 32
URL = 'https://tracker.example.com/services/v5'


@pytest.fixture
def config(tmp_path):
    """Writes the file; the environment with it, and more."""
    path = tmp_path / 'home/.config/storyfs/config'

    def write(text=None, **more):
        path.parent.mkdir(parents=True, exist_ok=True)
        if text is not None:
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
            path.chmod(0o600)
        env = clean_env()
        del env['XDG_CONFIG_HOME']
        return {**env, 'HOME': str(tmp_path / 'home'), **more}

    write.path = path
    return write


def settings(*args, env):
    done = storyfs('config', '--json', *args, env=env)
    assert (done.returncode, done.stderr) == (0, '')
    return {s.pop('name'): s for s in json.loads(done.stdout)['settings']}


WORK = f'''# mine
refresh = 60
timeout=7
token_file = ~/general

[work]
source = {URL}
refresh = 5
ro
token_file = ~/work-token
[home]
source = ~/a.db
'''


def test_what_counts_and_where_it_was_said(config):
    env = config(WORK, STORYFS_TIMEOUT='8')
    words = ['work', '--page-limit', '9', '-o', 'umask=022,ro=false']
    told = settings(*words, env=env)

    def said(name):
        return told[name]['value'], told[name]['from'], told[name].get('line', told[name].get('variable'))
    assert said('source') == (URL, 'section', 7)
    assert said('refresh') == (5, 'section', 8)
    assert said('token-file') == (f'{env["HOME"]}/work-token', 'section', 10)
    assert said('timeout') == (8, 'environment', 'STORYFS_TIMEOUT')
    assert said('page-limit') == (9, 'flag', None)
    assert said('umask') == ('022', '-o', None)
    assert said('ro') == (False, '-o', None)
    assert said('no-cache') == (False, 'default', None)
    assert said('person') == (None, 'default', None)
    assert 'listen' not in told

    text = {line.split()[0]: line for line in storyfs('config', *words, env=env).stdout.splitlines()}
    assert text['refresh'].split() == ['refresh', '=', '5', f'{config.path}:8']
    assert text['timeout'].split() == ['timeout', '=', '8', '$STORYFS_TIMEOUT']
    assert text['page-limit'].split() == ['page-limit', '=', '9', '--page-limit']
    assert text['umask'].split() == ['umask', '=', '022', '-o', 'umask']
    assert text['verbose'].split() == ['verbose', '=', 'false', 'default']


def test_without_a_source_there_is_what_counts_for_all(config):
    env = config(WORK)
    told = settings(env=env)
    assert told['refresh']['value'] == 60 and told['listen']['value'] == '127.0.0.1:5080'
    done = storyfs('config', env=env)
    assert done.stdout.endswith(f'\n\n[work] {URL}  {config.path}:6\n[home] {env["HOME"]}/a.db  {config.path}:11\n')
    assert [s['name'] for s in json.loads(storyfs('config', '--json', env=env).stdout)['sources']] == ['work', 'home']
    os.unlink(config.path)
    assert settings(env=env)['refresh'] == {'value': 30, 'hidden': False, 'overruled': False, 'from': 'default'}


@pytest.mark.parametrize('text,env,words,counts,overruled', [
    (f'token={TOKEN}', {}, [], ('token', 'file'), []),
    (f'token={TOKEN}', {'STORYFS_TOKEN': TOKEN}, [], ('token', 'environment'), []),
    ('token_file=/x', {'STORYFS_TOKEN': TOKEN}, [], ('token', 'environment'), ['token-file']),
    (f'token_command=echo {TOKEN}\ntoken_file=/x\ntoken={TOKEN}', {}, [], ('token-command', 'file'),
     ['token-file', 'token']),
    (f'token_command=echo {TOKEN}', {}, ['--token-file=/y'], ('token-file', 'flag'), ['token-command']),
    ('', {'STORYFS_TOKEN_COMMAND': f'echo {TOKEN}', 'STORYFS_TOKEN': TOKEN}, [], ('token-command', 'environment'), []),
    (f'token_command=echo {TOKEN}\n[work]\nsource={URL}\ntoken={TOKEN}', {}, ['work'], ('token', 'section'),
     ['token-command']),
    (f'token_command=echo {TOKEN}\n[work]\nsource={URL}', {}, ['work'], ('token-command', 'file'), []),
])
def test_the_token_comes_from_the_first_place_and_is_never_shown(text, env, words, counts, overruled, config):
    env = config(text, **env)
    told = settings(*words, env=env)
    rows = {name: told[name] for name in ('token-command', 'token-file', 'token')}
    assert [(n, r['from']) for n, r in rows.items() if r['hidden'] or r['value']] == [counts]
    assert [n for n, r in rows.items() if r['overruled']] == overruled
    for done in (storyfs('config', *words, env=env), storyfs('config', '--json', *words, env=env)):
        assert done.returncode == 0 and TOKEN[:4] not in done.stdout + done.stderr


def test_a_source_has_a_name(archive, config, tmp_path):
    env = config(f'[work]\nsource = {archive}\nperson = vader\n')
    assert storyfs('cat', 'work', 'me/username', env=env).stdout == 'vader\n'
    assert storyfs('cat', 'work', 'me/username', '--person=palpatine', env=env).stdout == 'palpatine\n'
    assert storyfs('cat', archive, 'me/username', env=env).stdout == 'palpatine\n'
    assert '99' in storyfs('ls', 'work', 'projects', env=env).stdout.split()
    (tmp_path / 'mnt').mkdir()
    if can_mount():
        done = storyfs('mount', 'work', tmp_path / 'mnt', env=env)
        assert (done.returncode, done.stderr) == (0, '')
        try:
            assert (tmp_path / 'mnt/me/username').read_text() == 'vader\n'
        finally:
            assert storyfs('umount', tmp_path / 'mnt').returncode == 0


def test_a_name_shadows_no_file(archive, config, tmp_path, monkeypatch):
    env = config(f'[a.db]\nsource = {URL}\n[mnt]\nsource = {archive}\n')
    monkeypatch.chdir(tmp_path)
    done = storyfs('cat', 'a.db', 'me/username', env=env)
    assert (done.returncode, done.stdout) == (0, 'palpatine\n')
    assert done.stderr == (f"storyfs: 'a.db' is a file here and taken for the archive; for the source [a.db] of "
                           f'{config.path}:1, call storyfs from another directory\n')
    assert storyfs('cat', './a.db', 'me/username', env=env).stderr == ''
    # No archive is a directory: one that is called as the source is most often what it is mounted on.
    (tmp_path / 'mnt').mkdir()
    done = storyfs('cat', 'mnt', 'me/username', env=env)
    assert (done.returncode, done.stdout, done.stderr) == (0, 'palpatine\n', '')


def test_a_name_that_is_none(config, tmp_path, monkeypatch):
    env = config(WORK)
    monkeypatch.chdir(tmp_path)
    (tmp_path / 'folder').mkdir()
    for word, near in (('wrok', "; did you mean 'work'?"), ('quantum', ''), ('folder', '')):
        for command in ('ls', 'config'):
            done = storyfs(command, word, env=env)
            assert (done.returncode, done.stdout) == (2, '')
            assert done.stderr == (f"storyfs: '{word}' is no file here, and there is no source [{word}] in "
                                   f'{config.path}{near}\n')
    done = storyfs('ls', 'quantum.db', env=env)
    assert done.returncode == 1 and 'No such file' in done.stderr


@pytest.mark.parametrize('text,line,message', [
    ('refesh = 5', 1, "there is no option 'refesh'; did you mean 'refresh'?"),
    ('\n#\nquantum = 5', 3, "there is no option 'quantum'; see `storyfs config`"),
    (f'toke {TOKEN}', 1, 'this is no `name = VALUE`; see `storyfs config`'),
    ('refres', 1, "this is no `name = VALUE`; did you mean 'refresh'?"),
    (f'refresh = {TOKEN}', 1, 'refresh takes a whole number from 0 to 86400'),
    ('refresh', 1, 'refresh needs its SECONDS'),
    ('refresh =', 1, 'refresh needs its SECONDS'),
    ('refresh = often', 1, 'refresh takes a whole number from 0 to 86400'),
    ('refresh = 5 # s', 1, 'refresh takes a whole number from 0 to 86400'),
    ('umask = 8', 1, 'umask takes an octal mode such as 022'),
    ('ro = perhaps', 1, 'ro takes true or false'),
    ('token_file = token', 1, 'token-file takes a path that begins with / or ~/'),
    ('owner = x', 1, "'owner' is for the command line alone"),
    ('ro\nrefresh=1\nro=false', 3, 'ro stands in line 1 already'),
    (f'source = {URL}', 1, 'a source stands in a section with its name, such as [work]'),
    (f'[work]\nsource = {URL}\nlisten = x', 3, "'listen' is nothing of a source; it stands above the first section"),
    (f'[work]\nsorce = {URL}', 2, "there is no option 'sorce'; did you mean 'source'?"),
    (f'[work]\nsource = {URL}\nsource = {URL}', 3, 'the section has a source already'),
    (f'[work]\nsource = {URL}\n[x]\nsource=/x\n[work]', 5, '[work] stands in line 1 already'),
    ('[work]\nsource = a.db', 2, 'a source is a URL (https://HOST/services/v5), or the path of an archive, which '
                                 'begins with / or ~/'),
    (f'[work]\nsource = https://ada:{TOKEN}@example.com/', 2, 'the source is not a URL of a V5 host'),
    ('\n[work]\nro', 2, '[work] needs a line `source = URL`'),
    ('[work', 1, 'the name of a source stands between [ and ]'),
    ('[wo/rk]', 1, 'the name of a source has letters, digits, - _ and . alone, and begins with a letter or digit'),
    ('[ ]', 1, 'the name of a source has letters, digits, - _ and . alone, and begins with a letter or digit'),
    (b'ro\nrefresh = 5\0\n', 2, 'there is a NUL byte in this line'),
    (b'ro\nperson = \xff\n', 2, 'this line is not UTF-8'),
    ('\ufeffro\n'.encode('utf-16-le'), 1, 'there is a NUL byte in this line'),
    ('ro\nperson = ' + 'x' * 5000, 2, 'a line has 4096 bytes at most'),
    ('\x1b[31m = 5', 1, "there is no option '?[31m'; see `storyfs config`"),
])
def test_a_mistake_is_told_with_its_line(text, line, message, config):
    for command in (['config'], ['ls', '/nonexistent']):
        done = storyfs(*command, env=config(text))
        assert (done.returncode, done.stdout) == (2, '')
        assert done.stderr == f'storyfs: {config.path}:{line}: {message}\n'


def test_a_file_of_another_system_is_read(config):
    told = settings(env=config(b'\xef\xbb\xbfrefresh = 5\r\n\r\n# x\r\n  ro  =  true \r\ntimeout=6'))
    assert [told[n]['value'] for n in ('refresh', 'ro', 'timeout')] == [5, True, 6]
    assert settings(env=config(b''))['refresh']['value'] == 30


def test_a_file_that_is_none(config):
    env = config()

    def said():
        done = storyfs('config', env=env, deadline=10)
        assert (done.returncode, done.stdout) == (2, '')
        return done.stderr
    config.path.mkdir()
    assert said() == f'storyfs: {config.path}: Is a directory\n'
    config.path.rmdir()
    os.mkfifo(config.path)
    assert said() == f'storyfs: {config.path}: this is no regular file\n'
    config.path.unlink()
    config.path.symlink_to(config.path)
    assert said() == f'storyfs: {config.path}: Too many levels of symbolic links\n'
    config.path.unlink()
    config('#' * 100 + '\n' * (300 << 10))
    assert said() == f'storyfs: {config.path}: File too large\n'
    config('ro\n')
    if os.geteuid() != 0:
        config.path.chmod(0)
        assert said() == f'storyfs: {config.path}: Permission denied\n'


def test_others_may_not_read_a_token(config):
    text = f'ro\n[work]\nsource = {URL}\ntoken = {TOKEN}\n'
    env = config(text)
    assert storyfs('config', env=env).returncode == 0
    config.path.chmod(0o640)
    done = storyfs('config', env=env)
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr == (f'storyfs: {config.path}:4: others may read the token that stands here; run: chmod 600 '
                           f'{config.path}\n')
    config('ro\n')
    config.path.chmod(0o644)
    assert storyfs('config', env=env).returncode == 0


def test_a_wrong_file_does_not_stand_in_the_way_of_an_unmount(archive, config, tmp_path):
    env = config('quantum = 1\n')
    assert storyfs('mount', archive, tmp_path, env=env).returncode == 2
    for words in (['--help'], ['mount', '--help'], ['--version'], ['user', 'list', archive]):
        assert storyfs(*words, env=env).returncode == 0, words
    done = storyfs('umount', tmp_path, env=env)
    assert done.returncode == 1 and 'no storyfs is mounted there' in done.stderr


@pytest.mark.parametrize('words,env,message', [
    (['--timeout=0'], {}, "--timeout takes a whole number from 1 to 3600, not '0'"),
    (['-o', 'umask=9'], {}, "--umask takes an octal mode such as 022, not '9'"),
    (['--ro=perhaps'], {}, "--ro takes true or false, not 'perhaps'"),
    ([], {'STORYFS_TIMEOUT': 'x'}, "$STORYFS_TIMEOUT takes a whole number from 1 to 3600, not 'x'"),
    ([], {'STORYFS_NO_CACHE': 'x'}, "$STORYFS_NO_CACHE takes true or false, not 'x'"),
])
def test_a_wrong_value_is_told_with_its_place(words, env, message, config):
    done = storyfs('config', *words, env=config(**env))
    assert (done.returncode, done.stdout, done.stderr) == (2, '', f'storyfs: {message}\n')
