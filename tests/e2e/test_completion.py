# SPDX-License-Identifier: GPL-2.0-or-later
"""What shells offer behind `storyfs`: of commands, options, their values, sources and mountpoints."""
import re
import shutil
import subprocess

import pytest

import mounted
from conftest import BIN, ROOT, clean_env, storyfs
from test_cli import COMMANDS

SCRIPTS = ROOT / 'packaging/completions'
OPTIONS = re.findall(r'^OPTION\(\w+, +"([^"]+)", .*?(SECRET|HIDDEN)?, +"[^"]*"\)$',
                     (ROOT / 'src/app/options.def').read_text(), re.M)
URL = 'https://tracker.example.com/services/v5'


@pytest.fixture
def env(tmp_path):
    path = tmp_path / 'config/storyfs/config'
    path.parent.mkdir(parents=True)
    path.write_text(f'[work]\nsource = {URL}\n[home]\nsource = ~/a.db\n')
    return {**clean_env(), 'XDG_CONFIG_HOME': str(tmp_path / 'config')}


def offers(*words, env=None):
    done = storyfs('complete', '--', *words, env=env)
    assert (done.returncode, done.stderr) == (0, '')
    return [line.split('\t')[0] for line in done.stdout.splitlines()]


def test_commands_are_offered_by_their_words():
    assert offers('') == list(dict.fromkeys(c.split()[0] for c in COMMANDS))
    assert offers('u') == ['umount', 'undo', 'user']
    assert offers('user', '') == [c.split()[1] for c in COMMANDS if c.startswith('user ')]
    assert offers('user', 're') == ['remove']
    assert offers('quantum', '') == []
    assert offers('--') == ['--verbose', '--help', '--version']


@pytest.mark.parametrize('command', [c for c in COMMANDS if c != 'config'])
def test_a_command_is_offered_the_options_of_its_help(command):
    words = command.split()
    told = re.findall(r'^  (?:-\w, |    )--([\w-]+)', storyfs(*words, '--help').stdout, re.M)
    assert offers(*words, '--') == [f'--{name}' for name in told] != []


def test_all_options_are_offered_somewhere():
    found = {o for c in COMMANDS for o in offers(*c.split(), '--')}
    assert found == {f'--{name}' for name, kept in OPTIONS if not kept} and len(found) > 40


def test_values_that_are_known_are_offered():
    assert offers('user', 'add', 'a.db', 'Ada', '--role', '') == ['owner', 'member', 'viewer']
    assert offers('user', 'add', '--role=m') == ['--role=member']
    assert offers('serve', '--listen', '') == ['127.0.0.1:5080']
    assert offers('mount', '--ro=') == ['--ro=true', '--ro=false']
    assert offers('mount', '--token-file=') == offers('mount', '--token-file', '') == [':files']
    assert offers('mount', '--token-command', '') == []
    assert offers('schema', 'story_t') == ['story_transition', 'story_template']
    assert offers('mount', '-o', 'ro,allow') == ['ro,allow_other']
    assert offers('mount', '-o', 'ro,refr') == ['ro,refresh=']
    assert offers('mount', '-o', 'ro,timeout=') == ['ro,timeout=30']


def test_operands_are_offered_by_what_they_stand_for(env):
    assert offers('mount', '', env=env) == ['work', 'home', ':files']
    assert offers('mount', '--refresh', '5', '-f', '-o', 'ro', 'w', env=env) == ['work', ':files']
    assert offers('ls', '--', 'h', env=env) == ['home', ':files']
    assert offers('mount', 'work', '', env=env) == [':directories']
    assert offers('mount', 'work', 'x', '', env=env) == []
    assert offers('cat', 'work', '', env=env) == []
    assert offers('import', 'a.zip', 'b.zip', '') == [':files']
    assert offers('user', 'list', '') == [':files']
    assert offers('user', 'token', 'a.db', '') == []


def test_a_wrong_configuration_offers_files(env, tmp_path):
    (tmp_path / 'config/storyfs/config').write_text('quantum = 1\n')
    assert offers('mount', '', env=env) == [':files']


@pytest.mark.skipif(not mounted.can_mount(), reason='there is no /dev/fuse')
def test_what_is_mounted_is_offered_where_it_is_of_use(archive, tmp_path):
    mount = mounted.Mount(archive, tmp_path / 'm')
    try:
        path = str(mount.path)
        assert path in offers('umount', '')
        assert offers('umount', path[:-1]) == [path, ':directories']
        for command in ('status', 'undo'):
            assert path in offers(command, '')
        assert path in offers('undo', '3', '')
        assert path not in offers('mount', archive, '')
    finally:
        mount.stop()


def bash(line, env, cwd=None):
    """What bash would put into COMPREPLY; the words are broken as readline breaks them."""
    words = re.findall(r'[=:]+|[^\s=:]+', line) + ([''] if line.endswith(' ') else [])
    script = ('source "$1"; shift; complete -p storyfs >&2; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); '
              '_storyfs "$1"; printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(['bash', '--norc', '-c', script, 'bash', SCRIPTS / 'storyfs', BIN, *words[1:]],
                          capture_output=True, text=True, timeout=20, env=env, cwd=cwd, check=False)
    assert done.stderr == 'complete -F _storyfs storyfs\n'
    return done.stdout.splitlines()


def test_bash_completes(env, tmp_path):
    (tmp_path / 'w dir').mkdir()
    (tmp_path / 'w.db').touch()
    assert bash('storyfs mo', env) == ['mount']
    assert bash('storyfs user ', env) == ['add', 'list', 'token', 'password', 'remove']
    assert sorted(bash('storyfs mount w', env, tmp_path)) == ['w dir', 'w.db', 'work']
    assert bash('storyfs mount work w', env, tmp_path) == ['w dir']
    assert bash(f'storyfs mount {URL} w', env, tmp_path) == ['w dir']
    assert bash('storyfs mount --refr', env) == ['--refresh']
    assert bash('storyfs user add --role=', env) == ['owner', 'member', 'viewer']
    assert bash('storyfs mount --token-file=w.', env, tmp_path) == ['w.db']
    assert bash('storyfs serve --listen 127.0.0.1:', env) == ['5080']
    assert bash('storyfs mount -o ro,refresh=', env) == ['30']


@pytest.mark.parametrize('shell, script', [('zsh', '_storyfs'), ('fish', 'storyfs.fish')])
def test_other_shells_can_read_theirs(shell, script):
    if not shutil.which(shell):
        pytest.skip(f'there is no {shell}')
    done = subprocess.run([shell, '-n', SCRIPTS / script], capture_output=True, text=True, timeout=20,
                          check=False)
    assert (done.returncode, done.stderr) == (0, '')


def test_fish_completes(env, tmp_path):
    if not shutil.which('fish'):
        pytest.skip('there is no fish')
    (tmp_path / 'bin').mkdir()
    (tmp_path / 'bin/storyfs').symlink_to(BIN)
    done = subprocess.run(
        ['fish', '--no-config', '-c', f'source {SCRIPTS}/storyfs.fish; complete -C "storyfs user re"'],
        capture_output=True, text=True, timeout=20, check=False, cwd=tmp_path,
        env={**env, 'PATH': f'{tmp_path}/bin:{env["PATH"]}', 'HOME': str(tmp_path)})
    assert (done.stdout, done.stderr) == ('remove\ttake a person out of an archive\n', '')
