# SPDX-License-Identifier: GPL-2.0-or-later
"""README.md of a mount: each of its examples is run, by bash, as they stand."""
import os
import re
import subprocess

import pytest

import conftest
import mounted
from mounts import wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'


@pytest.fixture
def guided(archive, serve, tmp_path):
    mounts = mounted.Mounts(tmp_path)
    server = serve(archive, log=tmp_path / 'requests.log')
    mount = mounts(server.url, '-o', 'refresh=1', token=server.token)
    mount.server = server
    yield mount
    mounts.finish()


def ask(mount, path):
    answer = mount.server.request('GET', path)
    assert answer.status == 200, answer.body
    return answer.json()


def add(mount, **fields):
    return mount.server.request('POST', f'/{P}/stories', fields).json()['id']


def open_guide(mount):
    """From now on its examples are of story 555."""
    os.listdir(mount / P / 'stories')
    assert '/stories/555/' in (mount / 'README.md').read_text()


def wait_for(mount, story):
    assert wait_until(lambda: str(story) in os.listdir(mount / P / 'stories'))


def git(folder, *args):
    subprocess.run(['git', '-c', 'user.name=A', '-c', 'user.email=a@example.com', *args],
                   cwd=folder, check=True, capture_output=True, timeout=conftest.DEADLINE)


def make_checkout(folder, finished):
    """A checkout on the branch of story 555, with a commit since the deployed one."""
    folder.mkdir()
    git(folder, 'init', '-q', '-b', '555-passengers')
    git(folder, 'commit', '-q', '--allow-empty', '-m', 'Begin')
    git(folder, 'tag', 'deployed')
    git(folder, 'commit', '-q', '--allow-empty', '-m', f'[Finishes #{finished}] Do it (see #556)')
    return folder


def run_examples(mount, folder):
    """The blocks in order, in one shell: the first where README.md is, the others in the
    checkout. What each printed."""
    text = (mount / 'README.md').read_text()
    first, recipes = re.findall(r'^```sh\n(.*?)^```', text, re.M | re.S)
    recipes = recipes.split('\n\n')
    assert len(recipes) == 6 and all(r.startswith('# ') for r in recipes)
    mark = 'next-example'
    script = f'set -eu -o pipefail\n{first}cd {folder}\n' + f'\necho {mark}\n'.join(recipes)
    done = subprocess.run(['bash', '-c', script], cwd=mount.path, capture_output=True, text=True,
                          timeout=conftest.DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ''
    return done.stdout.split(f'{mark}\n')


def test_the_examples_work(guided, tmp_path):
    open_guide(guided)
    finished = add(guided, name='Ready', estimate=1, current_state='finished')
    add(guided, name='Shipped\tlong ago', estimate=1, current_state='accepted')
    colourful = add(guided, name='Paint', description='The colour of the\ncolour')
    guided.server.request('POST', f'/{P}/stories/555/tasks', {'description': 'Draft it'})
    guided.server.request('POST', f'/{P}/stories/555/tasks', {'description': 'Other'})
    wait_for(guided, colourful)
    n = len(guided.server.log())
    said = run_examples(guided, make_checkout(tmp_path / 'checkout', finished))
    made = dict(line.split(': ', 1) for line in said[0].splitlines() if ': ' in line)
    assert made['kind'] == 'comment'
    story = next(s for s in ask(guided, f'/{P}/stories') if s['name'] == 'Write it down')
    assert story['estimate'] == 2
    assert [t['description'] for t in ask(guided, f'/{P}/stories/{story["id"]}/tasks')] == [
        'Draft', 'Review']
    assert [c['text'] for c in ask(guided, f'/{P}/stories/{story["id"]}/comments')] == ['On it.']
    assert ask(guided, f'/{P}/stories/{finished}')['current_state'] == 'delivered'
    assert ask(guided, f'/{P}/stories/556')['current_state'] == 'unscheduled'
    assert ask(guided, f'/{P}/stories/555')['current_state'] == 'started'
    assert said[2] == ''
    assert re.fullmatch(r'- Shipped long ago \(#\d+\)\n', said[3])
    tasks = ask(guided, f'/{P}/stories/555/tasks')
    assert [(t['description'], t['complete']) for t in tasks] == [
        ('Draft it', True), ('Other', False)]
    assert ask(guided, f'/{P}/stories/{colourful}')['description'] == 'The color of the\ncolor'
    writes = [r['method'] for r in guided.server.log()[n:] if r['method'] not in ('GET', 'HEAD')]
    # A story, its estimate, two tasks, a comment; delivered, started, ticked, edited.
    assert sorted(writes) == ['POST'] * 4 + ['PUT'] * 5


def test_a_start_that_is_refused_is_shown(guided, tmp_path):
    """The same example with a feature that has no estimate."""
    open_guide(guided)
    assert guided.server.request('PUT', f'/{P}/stories/555', {'estimate': None}).status == 200
    guided.server.request('POST', f'/{P}/stories/555/tasks', {'description': 'Draft it'})
    ready = add(guided, name='Ready', estimate=1, current_state='finished', description='colour')
    wait_for(guided, ready)
    said = run_examples(guided, make_checkout(tmp_path / 'checkout', ready))
    assert 'current_state: not saved' in said[2]


def test_it_is_of_this_mount(guided):
    first = (guided / 'README.md').read_text()
    assert os.stat(guided / 'README.md').st_size == len(first.encode())
    assert [r for r in guided.server.log() if '/projects' in r['path']] == []
    os.listdir(guided / P / 'stories')
    text = (guided / 'README.md').read_text()
    assert 'P=$PWD/projects/99 ' in text and '/stories/555/' in text
    assert os.stat(guided / 'README.md').st_size == len(text.encode())
    assert text.count('\n') < 140
    with pytest.raises(OSError):
        (guided / 'README.md').write_text('x')
    # All paths in the list of places that have no stand-in are there.
    table = text.split('## Where things are\n')[1].split('## Saves')[0]
    names = [line.split()[0] for line in table.splitlines() if line and line[0] in '$.mb']
    paths = [n.replace('$P', P) for n in names if '<' not in n]
    assert len(paths) >= 8
    for path in paths:
        assert os.path.lexists(guided / path), path
