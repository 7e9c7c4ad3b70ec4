# SPDX-License-Identifier: GPL-2.0-or-later
"""Stories as Markdown documents, on a mount over HTTP, saved by real programs; what reached the
server is read from its request log."""
import errno
import os
import shutil
import subprocess

import pytest

import mounted
from mounts import wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'
DOC = f'{P}/markdown/555.md'
VIM = ['vim', '-es', '-u', 'NONE', '-i', 'NONE']


@pytest.fixture
def made(archive, serve, tmp_path):
    """A mount over HTTP whose story 555 has tasks and a comment, and the writes since."""
    mounts = mounted.Mounts(tmp_path)
    server = serve(archive, log=tmp_path / 'requests.log')
    for path, body in ((f'/{P}/stories/555/tasks', {'description': 'Dig'}),
                       (f'/{P}/stories/555/tasks', {'description': 'Fill', 'complete': True}),
                       (f'/{P}/stories/555/comments', {'text': 'First  \n\n# not a heading\r\n'})):
        assert server.request('POST', path, body).status == 200
    n = len(server.log())
    mount = mounts(server.url, '--refresh', 1, token=server.token)
    mount.server = server
    mount.writes = lambda: [(r['method'], r['path'].replace('/services/v5', ''))
                            for r in server.log()[n:] if r['method'] not in ('GET', 'HEAD')]
    yield mount
    mounts.finish()


def ask(mount, path):
    answer = mount.server.request('GET', path)
    assert answer.status == 200, answer.body
    return answer.json()


def tasks(mount):
    return [(t['description'], t['complete']) for t in ask(mount, f'/{P}/stories/555/tasks')]


def edit(text, *pairs):
    for old, new in zip(pairs[::2], pairs[1::2]):
        assert text.count(old) == 1, (old, text)
        text = text.replace(old, new)
    return text


def test_a_listing_tells_true_sizes_for_a_few_requests(made):
    n = len(made.server.log())
    sizes = {e.name: e.stat().st_size for e in os.scandir(made / P / 'markdown')}
    assert set(sizes) == {'555.md', '556.md'}
    assert len(made.server.log()) - n <= 6  # projects, memberships, stories and three kinds
    for name, size in sizes.items():
        assert len((made / P / 'markdown' / name).read_bytes()) == size
    assert made.run('grep -rl "not a heading" projects/99/markdown').stdout.split() == [DOC]
    assert len(made.server.log()) - n <= 6


def save_python(path, text):
    path.write_bytes(text.encode())


def save_fsync(path, text):
    with open(path, 'w', encoding='utf-8', newline='') as f:
        f.write(text)
        f.flush()
        os.fsync(f.fileno())


def save_rename(path, text):
    new = path.with_name('.555.md.new')
    new.write_bytes(text.encode())
    new.rename(path)


def save_cp(path, text):
    own = path.parents[3].parent / 'own.md'
    own.write_bytes(text.encode())
    subprocess.run(['cp', own, path], check=True, timeout=30)


def save_vim(path, text):
    own = path.parents[3].parent / 'own.md'
    own.write_bytes(text.encode())
    done = subprocess.run([*VIM, '-c', f'%!cat {own}', '-c', 'wq', path], timeout=30, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize('save', [save_python, save_fsync, save_rename, save_cp, save_vim])
def test_one_save_is_the_requests_that_make_it_true(made, save):
    if save is save_vim and shutil.which('vim') is None:
        pytest.skip('no vim')
    path = made / DOC
    with open(path, encoding='utf-8', newline='') as f:
        text = f.read()
    mine = edit(text, 'estimate: 2', 'estimate: 3', '[ ] Dig', '[x] Dig deep',
                '\n## Blockers', '- [ ] Cover\n\n## Blockers', '## Comments',
                '- [ ] No shovel\n\n## Comments') + '\nLooks good\n'
    save(path, mine)
    # What is read back is what was written; opened anew it is what the server has.
    story = ask(made, f'/{P}/stories/555')
    assert story['estimate'] == 3
    assert tasks(made) == [('Dig deep', True), ('Fill', True), ('Cover', False)]
    assert [b['description'] for b in ask(made, f'/{P}/stories/555/blockers')] == ['No shovel']
    assert [c['text'] for c in ask(made, f'/{P}/stories/555/comments')][-1] == 'Looks good'
    writes = made.writes()
    assert [m for m, _ in writes] == ['PUT', 'PUT', 'POST', 'POST', 'POST']
    assert writes[0] == ('PUT', f'/{P}/stories/555')
    again = path.read_text()
    assert '- [ ] Cover <!-- storyfs: ' in again and 'Looks good' in again
    assert again.endswith('becomes a comment -->\n')
    # And the same file saved as it is now sends nothing.
    save_python(path, again)
    assert made.writes() == writes


def test_it_is_read_back_as_written_until_it_is_opened_anew(made):
    path = made / DOC
    mine = edit(path.read_text(), 'estimate: 2', 'estimate:    3   # points')
    with open(path, 'r+', encoding='utf-8') as f:
        f.write(mine)
        f.flush()
        os.fsync(f.fileno())
        f.seek(0)
        assert f.read() == mine
        assert made.writes() == [('PUT', f'/{P}/stories/555')]
    assert made.writes() == [('PUT', f'/{P}/stories/555')]
    assert '\nestimate: 3\n' in path.read_text()


def test_sed_ticks_a_task(made):
    done = made.run(f'sed -i "s/^- \\[ \\] Dig/- [x] Dig/" {DOC}')
    assert done.returncode == 0, done.stderr
    assert tasks(made) == [('Dig', True), ('Fill', True)]
    assert [m for m, _ in made.writes()] == ['PUT']
    assert sorted(os.listdir(made / P / 'markdown')) == ['555.md', '556.md']


def test_appending_makes_a_comment(made):
    assert made.run(f'echo "Done by Monday" >> {DOC}').returncode == 0
    assert made.writes() == [('POST', f'/{P}/stories/555/comments')]
    assert made.run(f'echo "And tested" >> {DOC}').returncode == 0
    assert [c['text'] for c in ask(made, f'/{P}/stories/555/comments')][-2:] == [
        'Done by Monday', 'And tested']


def test_a_new_task_has_its_place(made):
    path = made / DOC
    path.write_text(edit(path.read_text(), '- [ ] Dig', '- [ ] Measure\n- [ ] Dig'))
    assert [t for t, _ in tasks(made)] == ['Measure', 'Dig', 'Fill']
    lines = [line for line in path.read_text().splitlines() if line.startswith('- [')]
    assert [line.split()[-5] for line in lines] == ['Measure', 'Dig', 'Fill']


def test_lines_that_are_moved_move_tasks(made):
    for text in ('Cover', 'Plant'):
        assert made.server.request('POST', f'/{P}/stories/555/tasks', {'description': text}).status == 200
    path, n = made / DOC, len(made.writes())
    assert wait_until(lambda: 'Plant' in path.read_text(), 30)
    text = path.read_text()
    # Their lines as an editor moves them: the last one to the front, and one ticked on its way.
    dig, fill, cover, plant = [line + '\n' for line in text.splitlines() if line.startswith('- [')]
    mine = edit(text, dig + fill + cover + plant, plant + cover.replace('[ ]', '[x]') + dig + fill)
    path.write_text(mine)
    assert tasks(made) == [('Plant', False), ('Cover', True), ('Dig', False), ('Fill', True)]
    assert [m for m, _ in made.writes()[n:]] == ['PUT', 'PUT']
    # It is a move for the mount, too: in the files, and in what is read next.
    folder = made / P / 'stories/555/tasks'
    found = sorted(((folder / i / 'position').read_text().strip(), (folder / i / 'description').read_text())
                   for i in os.listdir(folder) if i.isdigit())
    assert found == [('1', 'Plant\n'), ('2', 'Cover\n'), ('3', 'Dig\n'), ('4', 'Fill\n')]
    path.write_text(mine)
    assert len(made.writes()) == n + 2
    # And back, from what was read.
    path.write_text(text)
    assert [t for t, _ in tasks(made)] == ['Dig', 'Fill', 'Cover', 'Plant']
    assert not os.path.exists(path.parent / '.error')


def test_a_task_that_goes_and_one_that_moves(made):
    path = made / DOC
    assert made.run(f'printf "Cover\nPlant\n" > {P}/stories/555/tasks/new').returncode == 0
    text = path.read_text()
    dig, fill, cover, plant = [line + '\n' for line in text.splitlines() if line.startswith('- [')]
    n = len(made.writes())
    path.write_text(edit(text, dig + fill + cover + plant, plant + '- [ ] Water\n' + fill + cover))
    assert [t for t, _ in tasks(made)] == ['Plant', 'Water', 'Fill', 'Cover']
    assert [m for m, _ in made.writes()[n:]] == ['DELETE', 'PUT', 'POST']


def test_an_editor_that_saves_twice_makes_things_once(made):
    if shutil.which('vim') is None:
        pytest.skip('no vim')
    done = subprocess.run([*VIM, '-c', '/Dig', '-c', 's/$/\r- [ ] New/', '-c', 'normal GoHello',
                           '-c', 'w', '-c', 'normal A, you', '-c', 'w', '-c', 'wq', made / DOC],
                          timeout=30, check=False)
    assert done.returncode == 0
    assert [t for t, _ in tasks(made)] == ['Dig', 'New', 'Fill']
    assert ask(made, f'/{P}/stories/555/comments')[-1]['text'] == 'Hello, you'
    assert [m for m, _ in made.writes()] == ['POST', 'POST', 'PUT']


OTHER = """import sys
text = open(sys.argv[1]).read()
print('read', flush=True)
sys.stdin.readline()
with open(sys.argv[1], 'w') as f:
    f.write(text.replace('estimate: 2', 'estimate: 0'))
"""


def test_a_program_changes_again_what_it_saved_and_no_other_does(made):
    path = made / DOC
    with subprocess.Popen(['python3', '-c', OTHER, path], text=True, stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as other:
        assert other.stdout.readline() == 'read\n'
        text = path.read_text()
        for estimate in (3, 1):
            path.write_text(edit(text, 'estimate: 2', f'estimate: {estimate}', '## Comments',
                                 f'- [ ] Blocker {estimate}\n\n## Comments'))
        writes = made.writes()
        assert [m for m, _ in writes] == ['PUT', 'POST', 'PUT', 'PUT']
        _, said = other.communicate('go\n', timeout=30)
        assert other.returncode == 1 and 'Device or resource busy' in said
    assert made.writes() == writes
    assert ask(made, f'/{P}/stories/555')['estimate'] == 1
    assert [b['description'] for b in ask(made, f'/{P}/stories/555/blockers')] == ['Blocker 1']


def test_what_is_refused_is_refused_whole(made):
    path = made / DOC
    text = path.read_text()
    for wrong, reason in ((edit(text, 'estimate: 2', 'estimat: 3', '[ ] Dig', '[x] Dig'),
                           "line 3: unknown key 'estimat', is `estimate` meant?"),
                          (text[:len(text) // 2], 'it was cut off'),
                          (edit(text, 'First  ', 'First!', '[ ] Dig', '[x] Dig'),
                           'is not as it was read')):
        with pytest.raises(OSError) as e:
            path.write_text(wrong)
        assert e.value.errno == errno.EINVAL
        assert reason in (path.parent / '.error').read_text()
        assert reason in os.getxattr(path, 'user.storyfs.error').decode()
        assert (path.parent / '555.md.rejected').read_text() == wrong
        assert path.read_text() == text
    made.run(f': > {DOC}')
    assert wait_until(lambda: 'the document is empty' in (path.parent / '.error').read_text())
    assert wait_until(lambda: path.read_text() == text)
    assert made.writes() == []


def test_what_others_changed_meanwhile_stays_theirs(made):
    path = made / DOC
    text = path.read_text()
    assert made.server.request('PUT', f'/{P}/stories/555', {'estimate': 1}).status == 200
    mine = edit(text, 'estimate: 2', 'estimate: 3', '[ ] Dig', '[x] Dig')
    n = len(made.writes())
    assert wait_until(lambda: '\nestimate: 1\n' in path.read_text(), 30)
    with pytest.raises(OSError) as e:
        path.write_text(mine)
    assert e.value.errno == errno.EBUSY, (path.parent / '.error').read_text()
    assert made.writes()[n:] and all('tasks' in p for _, p in made.writes()[n:])
    assert ask(made, f'/{P}/stories/555')['estimate'] == 1
    assert tasks(made)[0] == ('Dig', True)
    assert "not sent: estimate was '2' when you read it, and is '1' now" in (
        path.parent / '.error').read_text()


def test_rm_is_no_delete(made):
    assert made.run(f'rm {DOC}').returncode == 0
    assert made.writes() == []
    assert ask(made, f'/{P}/stories/555')['id'] == 555


NEW = '''---
estimate: 3
labels: [moat, "2024"]
owners: [Darth Vader]
---
# Build the moat

Wide and *deep*.

## Tasks <!-- storyfs: tasks -->

- [ ] Dig
- [x] Plan it

## Blockers <!-- storyfs: blockers -->

- [ ] No shovels

## Comments <!-- storyfs: comments -->

<!-- storyfs: version 0; text below this line becomes a comment -->

At last
'''


def new_by_python(path, text):
    path.write_text(text)


def new_by_rename(path, text):
    tmp = path.with_name('.goutputstream-X')
    tmp.write_text(text)
    tmp.rename(path)


def new_by_cp(path, text):
    own = path.parents[3].parent / 'own.md'
    own.write_text(text)
    subprocess.run(['cp', own, path], check=True, timeout=30)


def new_by_vim(path, text):
    own = path.parents[3].parent / 'own.md'
    own.write_text(text)
    done = subprocess.run([*VIM, '-c', f'%!cat {own}', '-c', 'wq', path], timeout=30, check=False)
    assert done.returncode == 0


@pytest.mark.parametrize('make', [new_by_python, new_by_rename, new_by_cp, new_by_vim])
def test_a_new_document_is_one_post(made, make):
    if make is new_by_vim and shutil.which('vim') is None:
        pytest.skip('no vim')
    folder = made / P / 'markdown'
    make(folder / 'moat.md', NEW)
    assert made.writes() == [('POST', f'/{P}/stories')]
    last = dict(line.split(': ', 1) for line in (made / '.storyfs/last').read_text().splitlines())
    assert last['kind'] == 'story' and last['name'] == 'Build the moat'
    story = ask(made, f'/{P}/stories/{last["id"]}')
    assert story['estimate'] == 3 and story['description'] == 'Wide and *deep*.'
    assert sorted(label['name'] for label in story['labels']) == ['2024', 'moat']
    text = (folder / f'{last["id"]}.md').read_text()
    for part in ('- [ ] Dig <!-- storyfs: ', '- [x] Plan it <!-- storyfs: ', 'No shovels',
                 '\nAt last\n', 'owners: [Darth Vader]'):
        assert part in text
    # The name finds it, to be read and saved.
    assert (folder / 'moat.md').read_text() == text
    (folder / 'moat.md').write_text(edit(text, '[ ] Dig', '[x] Dig'))
    assert [m for m, _ in made.writes()] == ['POST', 'PUT']
    assert made.run(f'sed -i "s/^estimate: 3/estimate: 1/" {P}/markdown/moat.md').returncode == 0
    assert ask(made, f'/{P}/stories/{last["id"]}')['estimate'] == 1


def test_an_editor_goes_on_with_a_new_document(made):
    if shutil.which('vim') is None:
        pytest.skip('no vim')
    lines = ['# Hoist the flag', '', '## Tasks <!-- storyfs: tasks -->', '', '- [ ] Sew']
    keys = "i" + "\r".join(lines)
    done = subprocess.run(
        [*VIM, '-c', f'exe "normal {keys}"', '-c', 'w', '-c', 's/\\[ \\]/[x]/', '-c', 'normal o- [ ] Hoist',
         '-c', 'w', '-c', 'wq', made / P / 'markdown/flag.md'], timeout=30, check=False)
    assert done.returncode == 0, (made / P / 'markdown/.error').read_text()
    story = next(s for s in ask(made, f'/{P}/stories') if s['name'] == 'Hoist the flag')
    assert [(t['description'], t['complete']) for t in ask(made, f'/{P}/stories/{story["id"]}/tasks')] == [
        ('Sew', True), ('Hoist', False)]
    assert [m for m, _ in made.writes()] == ['POST', 'PUT', 'POST']


def test_the_least_document(made):
    assert made.run(f'echo "# Hoist the flag" > {P}/markdown/flag.md').returncode == 0
    assert made.writes() == [('POST', f'/{P}/stories')]
    assert 'Hoist the flag' in [s['name'] for s in ask(made, f'/{P}/stories')]


def test_a_new_document_that_is_refused_stays_and_is_made_when_it_is_right(made):
    folder = made / P / 'markdown'
    for text, reason in (('just text\n', 'line 1: expected `# the name`'),
                         ('---\nstate: x\n---\n# A\n', "line 2: unknown key 'state'"),
                         ('---\nestimate: x\n---\n# A\n', "line 2: estimate: 'x' is not accepted"),
                         ((folder / '555.md').read_text(), 'cannot be copied')):
        with pytest.raises(OSError) as e:
            (folder / 'new.md').write_text(text)
        assert e.value.errno == errno.EINVAL
        assert reason in (folder / '.error').read_text()
        assert (folder / 'new.md').read_text() == text
    with pytest.raises(OSError) as e:
        (folder / '4711.md').write_text('# A\n')
    assert e.value.errno == errno.EINVAL
    assert made.writes() == []
    (folder / 'new.md').write_text('# A\n')
    assert made.writes() == [('POST', f'/{P}/stories')]
    assert not os.path.exists(folder / '.error')


def test_what_editors_leave_beside_makes_nothing(made):
    folder = made / P / 'markdown'
    for name in ('.555.md.swp', '555.md~', '#555.md#', '4913', 'sedXYZ', '.hidden.md', 'notes.txt'):
        (folder / name).write_text('# A\n')
    (folder / 'empty.md').touch()
    assert made.run(f'mv {DOC} {P}/markdown/old.md').returncode == 0
    assert made.writes() == []
