# SPDX-License-Identifier: GPL-2.0-or-later
"""Attachments as files, on a mount over HTTP: what they cost is read from the server's request log."""
import concurrent.futures
import errno
import filecmp
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import threading
import time

import pytest

import mounted
from conftest import DEADLINE

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')

P = 'projects/99'
S = f'{P}/stories/555'
A = f'{S}/attachments'
HOSTILE = ['../x', 'size', '.error', '.hidden', 'a "quoted" % name', 'é' * 127, 'new', '-rf', ' x ']


def upload(server, name, data):
    """A file as a client of V5 sends it; its attachment."""
    body = (b'--B\r\nContent-Disposition: form-data; name="file"; filename*=UTF-8\'\'' +
            ''.join(f'%{c:02X}' for c in name.encode()).encode() + b'\r\n\r\n' + data +
            b'\r\n--B--\r\n')
    answer = server.request('POST', f'/{P}/uploads', body,
                            {'Content-Type': 'multipart/form-data; boundary=B'})
    assert answer.status == 200, answer.body
    return answer.json()


def attach(server, name, data, place='stories/555'):
    file = upload(server, name, data)
    answer = server.request('POST', f'/{P}/{place}/comments', {'file_attachment_ids': [file['id']]})
    assert answer.status == 200, answer.body
    return file


def content(n, seed=1):
    """n bytes of which no two parts are alike."""
    out = bytearray()
    while len(out) < n:
        seed += 1
        out += hashlib.sha512(str(seed).encode()).digest()
    return bytes(out[:n])


def files_of(server, place='stories/555'):
    answer = server.request('GET', f'/{P}/{place}/comments?fields=id,text,file_attachments')
    assert answer.status == 200, answer.body
    return [f for c in answer.json() for f in c['file_attachments']]


def bytes_of(server, file):
    connection = server.connect()
    connection.request('GET', file['download_url'], headers={'X-TrackerToken': server.token})
    response = connection.getresponse()
    assert response.status == 200
    return response.read()


@pytest.fixture
def start(archive, serve, tmp_path):
    """Starts a server, what is attached to its stories, and a mount of it."""
    mounts = mounted.Mounts(tmp_path)
    server = serve(archive, log=tmp_path / 'requests.log')

    def run(*options, files=(), url=None):
        sent = [attach(server, *file) for file in files]
        mount = mounts(url or server.url, *options, token=server.token)
        mount.server, mount.sent = server, sent
        n = len(server.log())
        mount.asked = lambda what: [r['path'] for r in server.log()[n:]
                                    if what in f"{r['method']} {r['path']}"]
        return mount
    yield run
    mounts.finish()


def test_a_file_is_fetched_when_it_is_read(start):
    data = content(20 << 20)
    mount = start(files=[('big.bin', data), ('small.txt', b'needle\n')])
    big, small = mount.sent
    # Its size and time are true before that.
    for path in (f'{A}/big.bin', f'{P}/attachments/{big["id"]}/big.bin'):
        assert os.stat(mount / path).st_size == len(data)
        assert time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(os.stat(mount / path).st_mtime)) == \
            big['created_at']
    assert sorted(os.listdir(mount / A)) == ['big.bin', 'small.txt']
    assert os.readlink(mount / A / 'small.txt') == f'../../../attachments/{small["id"]}/small.txt'
    # Looking costs nothing, nor does what follows no links.
    for command in (f'ls -lL {A}', f'find {P} -name "*.bin" -size +10M', f'du -sL {A}',
                    f'grep -r needle {P}/stories'):
        assert mount.run(command).returncode in (0, 1)
    assert mount.asked('download') == []
    assert (mount / A / 'small.txt').read_bytes() == b'needle\n'
    assert (mount / A / 'big.bin').read_bytes() == data
    assert (mount / A / 'big.bin').read_bytes() == data
    assert sorted(mount.asked('download')) == sorted(f['download_url'] for f in mount.sent)
    with pytest.raises(PermissionError):
        open(mount / A / 'small.txt', 'w', encoding='utf-8')


def test_copies_are_the_same(start, tmp_path):
    mount = start(files=[('a.txt', b'a\n'), ('b.bin', content(100000)), ('empty', b'')])
    for command, copy in ((f'cp -r {P}/attachments {tmp_path}/all', None),
                          (f'cp -rL {A} {tmp_path}/story', 'story'),
                          (f'cp -p {A}/b.bin {tmp_path}/b', None),
                          (f'tar -C {A} -chf - . | tar -xf - -C {tmp_path}/story', 'story')):
        done = mount.run(command)
        assert done.returncode == 0 and not done.stderr, (command, done.stderr)
        if copy:
            assert filecmp.cmpfiles(mount / A, tmp_path / copy, ['a.txt', 'b.bin', 'empty'],
                                    shallow=False) == (['a.txt', 'b.bin', 'empty'], [], [])
    for file in mount.sent:
        assert (tmp_path / 'all' / str(file['id']) / file['filename']).stat().st_size == file['size']
    assert (tmp_path / 'b').read_bytes() == content(100000)


def test_two_readers_cost_one_download(start):
    data = content(8 << 20)
    mount = start(files=[('big.bin', data)])

    def read(_):
        return subprocess.run(['sha256sum'], stdin=open(mount / A / 'big.bin', 'rb'),
                              capture_output=True, text=True, timeout=DEADLINE, check=True).stdout
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        sums = set(pool.map(read, range(4)))
    assert sums == {hashlib.sha256(data).hexdigest() + '  -\n'}
    assert len(mount.asked('download')) == 1


def test_any_name_is_a_file_that_can_be_read(start):
    mount = start(files=[(name, f'{i}\n'.encode()) for i, name in enumerate(HOSTILE)] +
                  [('twin', b'one\n'), ('twin', b'two\n'), ('twin (1)', b'three\n')])
    names = os.listdir(mount / A)
    assert len(names) == len(set(names)) == len(mount.sent)
    assert not [n for n in names if n.startswith('.') or '/' in n or len(n.encode()) > 255]
    found = {(mount / A / n).read_bytes() for n in names}
    assert found == {f'{i}\n'.encode() for i in range(len(HOSTILE))} | {b'one\n', b'two\n', b'three\n'}
    twins = [f'twin ({f["id"]})' for f in mount.sent if f['filename'] == 'twin']
    assert len(twins) == 2 and set(twins) < set(names) and 'twin' not in names


def test_epics_have_them_and_others_files_appear(start):
    mount = start('--refresh', 1)
    epic = mount.server.request('POST', f'/{P}/epics', {'name': 'Moat'}).json()['id']
    attach(mount.server, 'a.txt', b'a\n', f'epics/{epic}')
    folder = mount / P / f'epics/{epic}/attachments'
    assert os.listdir(folder) == ['a.txt']
    assert (folder / 'a.txt').read_text() == 'a\n'
    assert os.listdir(mount / A) == []
    attach(mount.server, 'b.txt', b'b\n')
    until = time.monotonic() + DEADLINE
    while not os.path.exists(mount / A / 'b.txt'):
        assert time.monotonic() < until, 'it did not come'
        time.sleep(0.05)
    assert (mount / A / 'b.txt').read_text() == 'b\n'
    assert len(os.listdir(mount / P / 'attachments')) == 2


def test_the_archive_itself_has_them_too(archive, start, tmp_path):
    start(files=[('big.bin', content(3 << 20))])
    mounts = mounted.Mounts(tmp_path / 'other')
    (tmp_path / 'other').mkdir()
    try:
        mount = mounts(archive)
        assert (mount / A / 'big.bin').read_bytes() == content(3 << 20)
        cat = subprocess.run([mounted.conftest.BIN, 'cat', str(archive), f'{A}/big.bin'],
                             capture_output=True, timeout=DEADLINE, check=True)
        assert cat.stdout == content(3 << 20)
    finally:
        mounts.finish()
