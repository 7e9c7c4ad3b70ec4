# SPDX-License-Identifier: GPL-2.0-or-later
"""Extended attributes on a mount over HTTP."""
import errno
import os

import pytest

import mounted
from mounts import wait_until

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'
STORY = f'{P}/stories/555'


@pytest.fixture
def mount(archive, serve, tmp_path):
    mounts = mounted.Mounts(tmp_path)
    server = serve(archive, log=tmp_path / 'requests.log')
    made = mounts(server.url, '-o', 'refresh=1', token=server.token)
    made.server = server
    os.listdir(made / P / 'stories')
    yield made
    mounts.finish()


def attributes(path):
    names = os.listxattr(path)
    assert all(n.startswith('user.storyfs.') for n in names)
    return {n[len('user.storyfs.'):]: os.getxattr(path, n).decode() for n in names}


def version(mount):
    return str(mount.server.request('GET', f'/{P}').json()['version'])


def test_what_a_file_is_of(mount):
    of_story = {'id': '555', 'url': (mount / STORY / 'url').read_text().strip(),
                'version': version(mount)}
    for path in (STORY, f'{STORY}/name', f'{P}/json/555.json', f'{P}/markdown/555.md'):
        assert attributes(mount / path) == of_story, path
    assert attributes(mount / P) == {'id': '99', 'version': version(mount)}
    assert attributes(mount / P / 'stories') == {'version': version(mount)}
    assert attributes(mount / 'me')['id'] == '100'
    for path in ('', 'README.md', '.storyfs/last', 'projects'):
        assert attributes(mount / path) == {}, path
    for name in ('user.storyfs.dirty', 'user.storyfs.nonsense', 'user.id'):
        with pytest.raises(OSError) as e:
            os.getxattr(mount / STORY, name)
        assert e.value.errno == errno.ENODATA


def test_attributes_cost_no_request(mount):
    os.listdir(mount / STORY)
    n = len(mount.server.log())
    for name in os.listdir(mount / STORY):
        # A link leads to a document, which is loaded to be measured.
        if not os.path.islink(mount / STORY / name):
            attributes(mount / STORY / name)
    asked = [r['path'] for r in mount.server.log()[n:]]
    assert [p for p in asked if p.split('?')[0] != '/services/v5/projects'] == []


def test_the_version_follows_the_project(mount):
    before = attributes(mount / STORY)['version']
    answer = mount.server.request('PUT', f'/{STORY}', {'name': 'Another'})
    assert answer.status == 200
    assert wait_until(lambda: attributes(mount / STORY)['version'] == version(mount) != before)


def test_what_is_not_saved_is_dirty(mount):
    path = mount / STORY / 'name'
    with open(path, 'w', encoding='utf-8') as f:
        f.write('Half')
        f.flush()
        assert attributes(path)['dirty'] == 'unsaved'
        assert attributes(mount / STORY)['dirty'] == 'name'
        assert 'dirty' not in attributes(mount / STORY / 'id')
        assert 'dirty' not in attributes(mount / P / 'stories')
    assert 'dirty' not in attributes(path) and 'dirty' not in attributes(mount / STORY)


def test_a_refusal_is_in_the_error(mount):
    path = mount / STORY / 'estimate'
    with pytest.raises(OSError):
        path.write_text('many\n')
    for where in (path, mount / STORY):
        text = attributes(where)['error']
        assert text == (mount / STORY / '.error').read_text() and 'many' in text
    assert 'error' not in attributes(mount / STORY / 'name')
    path.write_text('1\n')
    assert 'error' not in attributes(path) and 'error' not in attributes(mount / STORY)


def test_the_error_is_true_at_once(mount):
    """Whatever was read of it, or not found, a moment before."""
    path, error = mount / STORY / 'estimate', mount / STORY / '.error'
    for i in range(100):
        assert not error.exists()
        for wrong in ('x' * (i + 1), 'much'):
            with pytest.raises(OSError):
                path.write_text(f'{wrong} {i}\n')
            assert f'wrote: {wrong} {i}' in error.read_text()
            assert error.stat().st_size == len(error.read_text())
        path.write_text(f'{i % 2}\n')
