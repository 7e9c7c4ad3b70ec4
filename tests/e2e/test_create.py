# SPDX-License-Identifier: GPL-2.0-or-later
"""Making and deleting by names and `new` files, on a mount over HTTP; what reached the server is
read from its request log."""
import errno
import os
import shutil
import subprocess
import time

import pytest

import mounted

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'


@pytest.fixture
def made(archive, serve, tmp_path):
    """A mount over HTTP, its server and the writes that reached it."""
    mounts = mounted.Mounts(tmp_path)
    server = serve(archive, log=tmp_path / 'requests.log')
    mount = mounts(server.url, token=server.token)
    mount.server = server
    mount.writes = lambda: [(r['method'], r['path'].replace('/services/v5', ''))
                            for r in server.log() if r['method'] not in ('GET', 'HEAD')]
    yield mount
    mounts.finish()


def ask(mount, path):
    answer = mount.server.request('GET', path)
    assert answer.status == 200, answer.body
    return answer.json()


def last(mount):
    return dict(line.split(': ', 1)
                for line in (mount / '.storyfs/last').read_text().splitlines())


def test_mkdir_makes_a_story(made):
    done = made.run(f'mkdir "{P}/stories/Build the moat" && cd "{P}/stories/Build the moat" && '
                    'echo 3 > estimate && cat name && pwd -P')
    assert done.returncode == 0, done.stderr
    assert made.writes() == [('POST', f'/{P}/stories'), ('PUT', f'/{last(made)["path"]}')]
    one = last(made)
    assert one['kind'] == 'story' and one['name'] == 'Build the moat'
    story = ask(made, f'/{P}/stories/{one["id"]}')
    assert story['name'] == 'Build the moat' and story['estimate'] == 3
    assert done.stdout.splitlines()[0] == 'Build the moat'
    folder = made / one['path']
    assert (folder / 'name').read_text() == 'Build the moat\n'
    assert one['id'] in os.listdir(made / P / 'stories')
    assert 'Build the moat' not in os.listdir(made / P / 'stories')
    # Again: the name is taken, and nothing is sent.
    again = made.run(f'mkdir "{P}/stories/Build the moat"')
    assert again.returncode == 1 and 'File exists' in again.stderr
    assert made.run(f'mkdir -p "{P}/stories/Build the moat"').returncode == 0
    assert len(made.writes()) == 2


def test_what_was_made_is_seen_at_once(archive, tmp_path):
    """The kernel keeps listings, and a shell that made something looks into one before anything else
    happens."""
    mounts = mounted.Mounts(tmp_path)
    mount = mounts(archive)
    done = mount.run(f'''cd {P}/stories/555 && ls tasks && ls comments && ls ../556/tasks
        for i in 1 2 3 4 5; do
            for folder in tasks comments ../556/tasks; do
                echo "text $i" > $folder/new; ls $folder; done; done''')
    mounts.finish()
    assert done.returncode == 0, done.stderr
    listings = [part.split() for part in done.stdout.split('new')]
    assert [len(listing) for listing in listings] == [0] * 3 + [i for i in range(1, 6) for _ in range(3)] + [0]


def test_epics_and_labels_are_made_alike(made):
    assert made.run(f'mkdir "{P}/epics/Walls" {P}/labels/stone && '
                    f'printf "wood\\nbrick\\n" > {P}/labels/new').returncode == 0
    assert 'Walls' in [e['name'] for e in ask(made, f'/{P}/epics')]
    assert {'stone', 'wood', 'brick'} <= {label['name'] for label in ask(made, f'/{P}/labels')}


def test_new_files_make_comments_tasks_and_blockers(made):
    story = f'{P}/stories/555'
    done = made.run(f'''set -e
        cd {story}
        ls comments tasks blockers
        echo "Looks good" > comments/new
        {{ echo "first line"; echo; echo "second line"; }} > comments/new
        printf "one\\ntwo\\n" > tasks/new
        echo "three" >> tasks/new
        echo "no stones" > blockers/new
        wc -c comments/new''')
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == '0 comments/new'
    assert [c['text'] for c in ask(made, f'/{story}/comments')] == [
        'Looks good', 'first line\n\nsecond line']
    assert [t['description'] for t in ask(made, f'/{story}/tasks')] == ['one', 'two', 'three']
    assert [b['description'] for b in ask(made, f'/{story}/blockers')] == ['no stones']
    assert [m for m, _ in made.writes()] == ['POST'] * 6
    # They are there at once, by their ids, and can be changed.
    task = ask(made, f'/{story}/tasks')[0]['id']
    assert made.run(f'echo true > {story}/tasks/{task}/complete').returncode == 0
    assert ask(made, f'/{story}/tasks/{task}')['complete'] is True


@pytest.mark.parametrize('program', [
    ['vim', '-es', '-u', 'NONE', '-c', 'normal iHello', '-c', 'wq'],
    ['python3', '-c', 'import sys; f = open(sys.argv[1], "w"); f.write("Hello"); f.flush(); '
     'import os; os.fsync(f.fileno()); f.close()'],
    ['sh', '-c', 'printf Hello > hello; cp hello "$1"', 'sh'],
    ['sh', '-c', 'printf Hello > hello; mv hello "$1"', 'sh'],
    ['sh', '-c', 'printf Hello | tee "$1"', 'sh'],
], ids=['vim', 'fsync', 'cp', 'mv', 'tee'])
def test_programs_make_one_comment(made, program, tmp_path):
    path = made / f'{P}/stories/555/comments/new'
    if shutil.which(program[0]) is None:
        pytest.skip(f'no {program[0]}')
    done = subprocess.run([*program, str(path)], cwd=tmp_path, capture_output=True, text=True,
                          timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    assert [c['text'] for c in ask(made, f'/{P}/stories/555/comments')] == ['Hello']
    assert path.read_text() == ''


def test_a_refused_one_is_explained_and_kept(made):
    folder = made / P / 'stories/555/tasks'
    text = 'fine\n' + 'x' * 1001 + '\n'
    with pytest.raises(OSError) as e:
        with open(folder / 'new', 'w', encoding='utf-8') as f:
            f.write(text)
    assert e.value.errno in (errno.EINVAL, errno.EMSGSIZE)
    assert made.writes() == []
    assert (folder / 'new.rejected').read_text() == text
    assert 'task: not made' in (folder / '.error').read_text()
    assert 'stories/555/tasks' in (made / '.storyfs/errors').read_text()
    (folder / 'new').write_text('fine\n')
    assert sorted(os.listdir(folder))[-1:] == ['new']
    assert (made / '.storyfs/errors').read_text() == ''


def test_rmdir_deletes(made):
    assert made.run(f'echo gone > {P}/stories/555/comments/new').returncode == 0
    comment = last(made)
    assert made.run(f'rmdir {comment["path"]}').returncode == 0
    assert ask(made, f'/{P}/stories/555/comments') == []
    assert made.run(f'rmdir {P}/stories/556').returncode == 0
    assert [s['id'] for s in ask(made, f'/{P}/stories')] == [555]
    assert os.listdir(made / P / 'stories') == ['555']
    assert [w[0] for w in made.writes()] == ['POST', 'DELETE', 'DELETE']


def test_rmdir_spares_files_of_ones_own(made):
    story = made / P / 'stories/556'
    (story / '.name.swp').write_text('unsaved')
    with pytest.raises(OSError) as e:
        os.rmdir(story)
    assert e.value.errno == errno.ENOTEMPTY and made.writes() == []
    os.rename(story / '.name.swp', made / P / 'stories/555/.name.swp')
    os.rmdir(story)
    assert (made / P / 'stories/555/.name.swp').read_text() == 'unsaved'
    assert [w[0] for w in made.writes()] == ['DELETE']


@pytest.mark.parametrize('command', [
    'rm -rf {}', 'rm -r {} 2>/dev/null', 'find {} -delete',
    'python3 -c "import shutil; shutil.rmtree(\'{}\', ignore_errors=True)"',
    'for d in $(find {} -depth -type d); do rm -f $d/*; rmdir $d; done',
])
def test_rm_r_never_deletes_anything_upstream(made, command):
    before = ask(made, f'/{P}/stories')
    made.run(f'echo a task > {P}/stories/555/tasks/new; echo hm > {P}/stories/555/comments/new')
    n = len(made.writes())
    for what in (f'{P}/stories/555', f'{P}/stories', P, 'projects', '.'):
        made.run(command.format(what))
    assert made.writes()[n:] == []
    assert [s['id'] for s in ask(made, f'/{P}/stories')] == [s['id'] for s in before]


def test_a_burst_of_deletes_is_stopped(made):
    for i in range(13):
        os.mkdir(made / P / f'stories/Story {i}')
    ids = sorted(set(os.listdir(made / P / 'stories')) - {'555', '556', '.error'}, key=int)
    assert len(ids) == 13
    done = made.run('rmdir ' + ' '.join(f'{P}/stories/{i}' for i in ids))
    assert done.returncode == 1
    assert done.stderr.count('busy') == 3
    assert '.storyfs/deletes' in (made / P / 'stories/.error').read_text()
    assert made.run(f'echo 3 > .storyfs/deletes && cat .storyfs/deletes').stdout == '3\n'
    left = [i for i in os.listdir(made / P / 'stories') if i in ids]
    assert made.run('rmdir ' + ' '.join(f'{P}/stories/{i}' for i in left)).returncode == 0
    assert {s['id'] for s in ask(made, f'/{P}/stories')} == {555, 556}


def test_what_cannot_be_made_is_refused(made):
    for path in ('x', 'projects/x', f'{P}/x', f'{P}/stories/.git', f'{P}/stories/555/x'):
        with pytest.raises(PermissionError):
            os.mkdir(made / path)
    with pytest.raises(OSError) as e:
        os.mkdir(made / P / 'stories/4711')
    assert e.value.errno == errno.EINVAL
    assert 'a number is an id' in (made / P / 'stories/.error').read_text()
    assert made.writes() == []


def test_probing_for_names_costs_no_request(made):
    os.listdir(made / P / 'stories')
    n = len(made.server.log())
    for name in ('.git', '.hidden', 'desktop.ini', '.Trash-0', 'New', 'HEAD'):
        for folder in ('.', P, f'{P}/stories', f'{P}/stories/555', f'{P}/stories/555/comments'):
            assert not os.path.exists(made / folder / name)
    time.sleep(0.1)
    assert len(made.server.log()) <= n + 3  # comments of all stories, once
