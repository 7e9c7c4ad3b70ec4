# SPDX-License-Identifier: GPL-2.0-or-later
"""What a mount refuses by its own rules: the errno, the words in the nearest `.error` and in `.storyfs/errors`, and that
nothing was sent. Each kind of place, each operation."""
import errno
import os
import pathlib
import shutil
import stat

import pytest

import mounted
from conftest import Server, storyfs
from mounts import wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'
S = f'{P}/stories/555'
DENIED = (errno.EPERM, errno.EACCES)


@pytest.fixture(scope='module')
def mount(star_archive, tmp_path_factory):
    folder = tmp_path_factory.mktemp('refusals')
    archive = pathlib.Path(shutil.copy(star_archive, folder / 'a.db'))
    token = storyfs('user', 'token', archive).stdout.strip()
    server = Server(archive, log=folder / 'requests.log')
    server.token = token
    mounts = mounted.Mounts(folder)
    try:
        for path, body in ((f'/{P}/stories', {'name': 'v1', 'story_type': 'release'}),
                           (f'/{P}/epics', {'name': 'Fleet'}),
                           (f'/{P}/review_types', {'name': 'Code'}), (f'/{S}/comments', {'text': 'c'}), (f'/{S}/tasks', {'description': 't'}),
                           ('/my/workspaces', {'name': 'W', 'project_ids': [99]})):
            assert server.request('POST', path, body).status == 200
        made = mounts(server.url, '-o', 'refresh=0', token=token)
        (made / S / 'attachments/a.txt').write_text('x')
        made.server = server
        yield made
        mounts.finish()
    finally:
        assert server.stop() == 0, server.errors


def only(mount, path):
    """The path with each `*` as the first number, or name, that is there."""
    at = pathlib.PurePath()
    for part in pathlib.PurePath(path).parts:
        if part == '*':
            names = [n for n in os.listdir(mount / at) if n[0] != '.' and n not in ('new', 'comment')]
            part = sorted(names, key=lambda n: (not n.isdigit(), n))[0]
        at /= part
    return at


OPERATIONS = {
    'mkdir': lambda path: os.mkdir(path),
    'create': lambda path: os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY)),
    'symlink': lambda path: os.symlink('x', path),
    'fifo': lambda path: os.mkfifo(path),
    'rmdir': lambda path: os.rmdir(path),
    'unlink': lambda path: os.unlink(path),
    'write': lambda path: os.close(os.open(path, os.O_WRONLY)),
    'truncate': lambda path: os.truncate(path, 0),
    'rename': lambda path: os.rename(path, path.parent / f'to {path.name}'),
    'link': lambda path: os.link(path, path.parent / 'linked', follow_symlinks=False),
}


def attempt(mount, operation, path):
    """The errno; 0 when it was done."""
    try:
        OPERATIONS[operation](mount / path)
    except OSError as e:
        return e.errno
    return 0


def texts_above(mount, path):
    """What `.error` says in the directory of the path, or the nearest above that has one."""
    for up in pathlib.PurePath(path).parents:
        try:
            return (mount / up / '.error').read_text(encoding='utf-8')
        except FileNotFoundError:
            continue
    return ''


def is_told(mount, path, words):
    """In full, in both places; the name may stand for the whole path or its end."""
    def find(text):
        parts = [p for p in text.split('\n\n') if words in p]
        return [p for p in parts if 'sent: nothing' in p and '\nnext: ' in p and ': not ' in p]
    return wait_until(lambda: find(texts_above(mount, path))) and \
        wait_until(lambda: words in (mount / '.storyfs/errors').read_text(encoding='utf-8'))


def writes(mount):
    return [r for r in mount.server.log() if r['method'] != 'GET']


# Operation, path, errno, and words of the reason.
TABLE = [
    ('mkdir', 'x', errno.EPERM, 'no directory can be made here'),
    ('mkdir', 'projects/x', errno.EPERM, 'a name makes none here'),
    ('mkdir', f'{P}/x', errno.EPERM, 'mkdir NAME in stories/'),
    ('mkdir', f'{P}/stories/.x', errno.EPERM, 'begins with a dot'),
    ('mkdir', f'{P}/stories/12', errno.EINVAL, 'a number is an id'),
    ('mkdir', f'{S}/x', errno.EPERM, 'directories are fixed'),
    ('mkdir', f'{S}/attachments/x', errno.EPERM, 'no directory can be made here'),
    ('mkdir', f'{P}/memberships/x', errno.EPERM, 'a name makes none here'),
    ('mkdir', f'{P}/iterations/x', errno.EPERM, 'a name makes none here'),
    ('mkdir', f'{P}/by-state/x', errno.EPERM, 'no directory can be made here'),
    ('mkdir', 'my/work/x', errno.EPERM, 'no directory can be made here'),
    ('create', 'x', errno.EACCES, 'no file can be made here'),
    ('create', f'{P}/stories/x', errno.EACCES, 'what is here are directories'),
    ('create', f'{P}/attachments/x', errno.EACCES, 'by id, which the server gives'),
    ('create', f'{P}/panels/backlog/x', errno.EACCES, 'no file can be made here'),
    ('symlink', f'{P}/by-label/x', errno.EACCES, 'no such thing can be made here'),
    ('fifo', f'{S}/x', errno.EPERM, 'no such thing can be made here'),
    ('rmdir', 'projects', errno.EPERM, 'a fixed part of the tree'),
    ('rmdir', P, errno.EPERM, 'cannot be deleted from here'),
    ('rmdir', f'{S}/comments', errno.EPERM, 'a fixed part of the tree'),
    ('rmdir', f'{P}/by-label/rnd', errno.EPERM, 'a group goes with what it is made of'),
    ('rmdir', f'{P}/iterations/*', errno.EPERM, 'cannot be deleted from here'),
    ('rmdir', f'{P}/releases/*', errno.EPERM, 'is the story of its id'),
    ('rmdir', f'{P}/review_types/*', errno.EPERM, 'cannot be deleted from here'),
    ('rmdir', 'workspaces/*', errno.EPERM, 'cannot be deleted from here'),
    ('rmdir', '.storyfs/conflicts', errno.EPERM, 'a fixed part of the tree'),
    ('unlink', 'README.md', errno.EPERM, 'follows it'),
    ('unlink', f'{S}/id', errno.EPERM, 'deletes nothing on the server'),
    ('unlink', f'{S}/story.md', errno.EPERM, 'as long as what it stands for'),
    ('unlink', f'{S}/attachments/a.txt', errno.EPERM, 'deletes it'),
    ('unlink', f'{P}/by-state/unstarted/*', errno.EPERM, 'as long as what it stands for'),
    ('unlink', f'{P}/json/555.json', errno.EPERM, 'follows it'),
    ('unlink', f'{P}/history/activity/555.tsv', errno.EPERM, 'follows it'),
    ('write', f'{S}/id', errno.EACCES, 'the server alone sets this field'),
    ('truncate', f'{S}/created_at', errno.EACCES, 'the server alone sets this field'),
    ('write', 'me/name', errno.EACCES, 'the server alone sets this field'),
    ('write', f'{P}/stories.tsv', errno.EACCES, 'follows it'),
    ('write', f'{P}/activity', errno.EACCES, 'follows it'),
    ('write', '.storyfs/journal', errno.EACCES, 'follows it'),
    ('rename', P, errno.EPERM, 'into the file of that field'),
    ('rename', S, errno.EPERM, 'into the file of that field'),
    ('rename', f'{S}/tasks/*', errno.EPERM, 'into the file of that field'),
    ('rename', f'{S}/id', errno.EPERM, "V5's word for the field"),
    ('rename', f'{P}/labels', errno.EPERM, 'names and places are fixed'),
    ('rename', 'by-name/Death Star', errno.EPERM, 'a link is called after'),
    ('rename', 'my/work/*', errno.EPERM, 'a link is called after'),
    ('rename', f'{P}/by-owner/Darth Vader', errno.EPERM, 'names and places are fixed'),
    ('link', f'{S}/name', errno.EPERM, 'no such thing can be made here'),
]


@pytest.mark.parametrize('operation, path, number, words', TABLE,
                         ids=[f'{row[0]}-{row[1]}' for row in TABLE])
def test_a_refusal_says_why_and_what_to_do(mount, operation, path, number, words):
    if path == 'my/work/*':
        (mount / S / 'owners').write_text('Emperor Palpatine\n')
    before = writes(mount)
    path = only(mount, path)
    assert attempt(mount, operation, path) == number
    assert is_told(mount, path, words), texts_above(mount, path)
    assert writes(mount) == before


DIRECTORIES = [
    '.', 'me', 'projects', P, f'{P}/stories', S, f'{S}/comments', f'{S}/comments/*', f'{S}/tasks', f'{S}/tasks/*',
    f'{S}/reviews', f'{S}/blockers', f'{S}/attachments', f'{P}/epics', f'{P}/epics/*', f'{P}/labels/2008',
    f'{P}/memberships', f'{P}/memberships/*', f'{P}/iterations', f'{P}/iterations/1', f'{P}/iterations/1/stories',
    f'{P}/releases', f'{P}/releases/*', f'{P}/json', f'{P}/history', f'{P}/history/transitions', f'{P}/by-state',
    f'{P}/by-state/unstarted', f'{P}/by-label', f'{P}/by-label/rnd', f'{P}/by-owner', f'{P}/panels',
    f'{P}/panels/icebox', f'{P}/search', f'{P}/search/state:started', f'{P}/attachments', f'{P}/attachments/*',
    f'{P}/review_types', f'{P}/story_templates', f'{P}/integrations', 'my', 'my/requested', 'my/notifications',
    'by-name', 'workspaces', 'workspaces/*', '.storyfs', '.storyfs/conflicts',
]


def test_whatever_is_refused_anywhere_is_told(mount):
    """Of each directory, what cannot be made in it, and what cannot be done to what is in it."""
    before = writes(mount)
    silent, n = [], 0

    def check(operation, path):
        nonlocal n
        error = attempt(mount, operation, path)
        assert error in (0, *DENIED), f'{operation} {path}: {os.strerror(error)}'
        if error == 0:
            os.unlink(mount / path)     # a scratch file
            return
        n += 1
        told = (mount / '.storyfs/errors').read_text(encoding='utf-8')
        if path.name not in told or 'next: ' not in told:
            silent.append(f'{operation} {path}')

    for directory in (only(mount, d) for d in DIRECTORIES):
        names = [name for name in os.listdir(mount / directory) if name != '.error']
        for operation in ('create', 'symlink', 'fifo'):
            check(operation, directory / f'made by {operation}')
        if not os.stat(mount / directory).st_mode & 0o200:
            check('mkdir', directory / 'made by mkdir')
        for name in names[:4] + names[-4:]:
            path = directory / name
            mode = os.lstat(mount / path).st_mode
            if stat.S_ISREG(mode) and mode & 0o200:
                continue
            check('rename', path)
            if not stat.S_ISDIR(mode):
                check('unlink', path)
    assert not silent
    assert n > 200 and writes(mount) == before


def test_what_was_denied_is_no_matter_after_the_next_write(mount):
    folder = mount / P / 'labels/2008'
    assert attempt(mount, 'write', folder.relative_to(mount.path) / 'id') == errno.EACCES
    assert wait_until((folder / '.error').exists)
    (folder / 'name').write_text('lab\n')
    assert wait_until(lambda: not (folder / '.error').exists())
    (folder / 'name').write_text('rnd\n')


def test_what_programs_try_by_themselves_is_not_told(mount):
    told = (mount / '.storyfs/errors').read_text(encoding='utf-8')
    for name in ('.README.md.swp', '4913', 'README.md~', '.Trash-0'):
        assert attempt(mount, 'create', pathlib.PurePath(name)) == errno.EACCES
    assert attempt(mount, 'mkdir', pathlib.PurePath('.Trash-0')) == errno.EPERM
    assert (mount / '.storyfs/errors').read_text(encoding='utf-8') == told


def test_rm_r_is_told_and_deletes_nothing(mount):
    before = writes(mount)
    assert mount.run(f'rm -rf {S}').returncode != 0
    assert 'not removed' in (mount / '.storyfs/errors').read_text(encoding='utf-8')
    assert writes(mount) == before
    assert wait_until(lambda: (mount / S / 'name').exists(), 20)


def test_our_own_files_are_not_lost(mount):
    story = mount / P / 'stories/556'
    (story / 'notes').write_text('x')
    with pytest.raises(OSError) as e:
        os.rmdir(story)
    assert e.value.errno == errno.ENOTEMPTY
    assert is_told(mount, f'{P}/stories/556', 'would be lost')
    assert (story / 'notes').read_text() == 'x'


def test_a_member_can_be_taken_out(mount):
    """Whose label is a person, no text."""
    there = {(mount / P / f'memberships/{n}/person').read_text(): n
             for n in os.listdir(mount / P / 'memberships') if n.isdigit()}
    os.rmdir(mount / P / f'memberships/{there["Darth Vader" + chr(10)]}')
    assert 'Darth Vader' in (mount / '.storyfs/journal').read_text(encoding='utf-8').splitlines()[-1]


def test_only_a_release_has_a_deadline(mount):
    """V5 would refuse it: it is told before it is asked."""
    before = writes(mount)
    with pytest.raises(OSError) as e:
        (mount / S / 'deadline').write_text('2030-01-01T00:00:00Z\n')
    assert e.value.errno == errno.EINVAL
    assert is_told(mount, f'{S}/deadline', 'only a release has a deadline, this is a feature')
    assert writes(mount) == before
