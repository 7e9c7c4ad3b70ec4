# SPDX-License-Identifier: GPL-2.0-or-later
"""Attachments as files, on a mount over HTTP: what they cost is read from the server's request log."""
import concurrent.futures
import errno
import filecmp
import hashlib
import os
import pathlib
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
    own = serve(archive, log=tmp_path / 'requests.log')

    def run(*options, files=(), url=None, server=own):
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


# ---- the other way ----

def writes(mount):
    return [(r['method'], r['path'].replace('/services/v5', '').partition('?')[0])
            for r in mount.server.log() if r['method'] not in ('GET', 'HEAD')]


SENT = [('POST', f'/{P}/uploads'), ('POST', f'/{S}/comments')]


@pytest.mark.parametrize('command', [
    'cp {file} {to}/', 'cp -p {file} {to}/big.bin', 'cat {file} > {to}/big.bin',
    '{{ head -c 1000000 {file}; tail -c +1000001 {file}; }} > {to}/big.bin', 'mv {file} {to}/',
    'dd if={file} of={to}/big.bin bs=77777 conv=fsync', 'rsync -a {file} {to}/',
    'cp {file} {to}/.big.part && mv {to}/.big.part {to}/big.bin',
    'install -m 644 {file} {to}/big.bin',
    '/usr/bin/python3 -c "import shutil; shutil.copy2(\'{file}\', \'{to}\')"',
], ids=lambda command: command.partition(' ')[0])
def test_what_is_put_there_is_attached(start, tmp_path, command):
    data = content(5 << 20)
    mount = start()
    (tmp_path / 'big.bin').write_bytes(data)
    command = command.format(file=tmp_path / 'big.bin', to=A)
    if shutil.which(command.split()[0].strip('{')) is None and not command.startswith('{'):
        pytest.skip(f'no {command.split()[0]}')
    done = mount.run(command)
    assert done.returncode == 0, done.stderr
    assert writes(mount) == SENT
    [file] = files_of(mount.server)
    assert (file['filename'], file['size']) == ('big.bin', len(data))
    assert bytes_of(mount.server, file) == data
    # It is there at once, as the server has it.
    assert os.readlink(mount / A / 'big.bin') == f'../../../attachments/{file["id"]}/big.bin'
    assert (mount / A / 'big.bin').read_bytes() == data
    last = (mount / '.storyfs/last').read_text()
    assert f'path: {P}/attachments/{file["id"]}/big.bin\n' in last
    assert not (mount / A / '.error').exists()
    assert len(os.listdir(mount / A)) == 1


def test_20_megabytes_there_and_back(start, tmp_path):
    mount = start()
    (tmp_path / 'big').write_bytes(content(20 << 20))
    done = mount.run(f'cp {tmp_path}/big {A}/ && cmp {tmp_path}/big {A}/big')
    assert done.returncode == 0, done.stdout + done.stderr
    assert writes(mount) == SENT


def test_free_is_what_can_be_sent(start):
    mount = start()
    spool = pathlib.Path(os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache')
    space = os.statvfs(mount / A)
    disk = os.statvfs(spool)
    room = space.f_bavail * space.f_frsize
    assert abs(room - min(disk.f_bavail * disk.f_frsize, 2 << 30)) < 1 << 28 and room > 64 << 20
    # Elsewhere it is what scratch files may have, in memory.
    space = os.statvfs(mount.path)
    assert space.f_bavail * space.f_frsize == 64 << 20 and space.f_bfree == space.f_blocks
    (mount / P / 'stories/555/notes~').write_bytes(b'x' * 5000)
    space = os.statvfs(mount / P)
    assert (space.f_blocks - space.f_bfree) * space.f_frsize == 8192
    done = mount.run('df --output=fstype,size . | tail -n 1; df -i . | tail -n 1')
    assert done.stdout.startswith('fuse.storyfs'), done.stdout + done.stderr


def test_a_read_only_mount_has_no_room(start):
    mount = start('-o', 'ro')
    for place in (mount.path, mount / A):
        assert os.statvfs(place).f_bavail == 0 and os.statvfs(place).f_blocks


def test_any_name_that_a_file_can_have(start):
    mount = start()
    names = [n for n in HOSTILE if '/' not in n and not n.startswith('.')]
    for name in names:
        (mount / A / name).write_bytes(name.encode())
    assert sorted(f['filename'] for f in files_of(mount.server)) == sorted(names)
    for file in files_of(mount.server):
        assert bytes_of(mount.server, file) == file['filename'].encode()
    n = len(writes(mount))
    with pytest.raises(OSError) as e:
        (mount / A / 'a\nb').write_bytes(b'x')
    assert e.value.errno == errno.EINVAL
    assert 'control characters' in (mount / A / '.error').read_text()
    with pytest.raises(OSError) as e:
        (mount / A / ('x' * 256)).write_bytes(b'x')
    assert e.value.errno == errno.ENAMETOOLONG
    assert len(writes(mount)) == n


def test_what_is_no_file_to_attach_is_not_sent(start):
    mount = start(files=[('a.txt', b'a\n')])
    n = len(writes(mount))
    for command in (f'echo x > {A}/.swap', f'touch {A}/empty', f'echo x > {A}/half.part',
                    f'ln -s nowhere {A}/link'):
        assert mount.run(command).returncode == 0, command
    for command in (f'echo x > {A}/a.txt', f'rm {A}/a.txt', f'mkdir {A}/folder',
                    f'mv {A}/.swap {S}/description'):
        assert mount.run(command).returncode != 0 or 'mv' in command, command
    assert len([w for w in writes(mount)[n:] if w[0] == 'POST']) == 0
    assert [f['filename'] for f in files_of(mount.server)] == ['a.txt']


def test_a_writer_that_is_killed_has_sent_nothing(start):
    mount = start()
    writer = subprocess.Popen(['sh', '-c', f'exec cat > {A}/half.bin'], cwd=mount.path,
                              stdin=subprocess.PIPE)
    writer.stdin.write(content(1 << 20))
    writer.stdin.flush()
    until = time.monotonic() + DEADLINE
    while not (mount / A / 'half.bin').exists() or not (mount / A / 'half.bin').stat().st_size:
        assert time.monotonic() < until
        time.sleep(0.01)
    writer.kill()
    writer.wait(DEADLINE)
    # The same again, complete: this one is sent, and alone.
    assert mount.run(f'rm {A}/half.bin && echo whole > {A}/whole').returncode == 0
    assert writes(mount) == SENT
    assert [f['filename'] for f in files_of(mount.server)] == ['whole']


def test_rmdir_deletes_one_and_rm_says_so(start):
    mount = start(files=[('a.txt', b'a\n'), ('b.txt', b'b\n')])
    n = len(writes(mount))
    a, b = (f['id'] for f in mount.sent)
    assert mount.run(f'rm {A}/a.txt').returncode == 1
    words = (mount / A / '.error').read_text()
    assert words.startswith('a.txt: not deleted') and f'rmdir {P}/attachments/{a} ' in words
    assert mount.run(f'rm -r {P}/attachments/{b}').returncode == 1
    assert len(writes(mount)) == n
    assert mount.run(f'rmdir {P}/attachments/{a}').returncode == 0
    [(method, path)] = writes(mount)[n:]
    assert method == 'DELETE' and path.startswith(f'/{S}/comments/') and path.endswith(f'/{a}')
    assert [f['id'] for f in files_of(mount.server)] == [b]
    assert sorted(set(os.listdir(mount / A)) - {'.error'}) == ['b.txt']
    assert not (mount / P / 'attachments' / str(a)).exists()


class Relay:
    """Between a mount and its server: passes bytes on, cuts an answer after so many of them (`cut`),
    or lets nobody in (`closed`)."""

    def __init__(self, server):
        self.server, self.cut, self.closed = server, None, False
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.url = f'http://127.0.0.1:{self.listener.getsockname()[1]}/services/v5'
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.closed:
                client.close()
                continue
            server = socket.create_connection((self.server.host, self.server.port))
            threading.Thread(target=self.carry, args=(client, server, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(server, client, False), daemon=True).start()

    def carry(self, source, target, is_request):
        n = 0
        try:
            while data := source.recv(65536):
                if is_request and self.closed:
                    break
                n += len(data)
                if not is_request and self.cut is not None and n > self.cut:
                    target.sendall(data[:max(0, self.cut - (n - len(data)))])
                    break
                target.sendall(data)
        except OSError:
            pass
        for s in (source, target):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


@pytest.fixture
def relay(start):
    """A mount by way of a relay."""
    relays = []

    def run(*options, files=()):
        first = start(files=files)
        first.relay = Relay(first.server)
        relays.append(first.relay)
        mount = start(*options, url=first.relay.url, server=first.server)
        mount.relay, mount.sent = first.relay, first.sent
        return mount
    yield run
    for one in relays:
        one.close()


def test_a_refused_file_is_kept_and_can_be_sent_again(relay):
    mount = relay('--timeout', 2)
    data = content(300000)
    assert os.listdir(mount / A) == []
    mount.relay.closed = True
    done = subprocess.run(['cp', '/dev/stdin', str(mount / A / 'a.bin')], input=data,
                          capture_output=True, timeout=DEADLINE, check=False)
    assert done.returncode != 0
    words = (mount / A / '.error').read_text()
    assert words.startswith('a.bin: not attached') and 'next: ' in words
    assert (mount / A / 'a.bin').read_bytes() == data
    mount.relay.closed = False
    done = mount.run(f'mv {A}/a.bin {A}/b.bin')
    assert done.returncode == 0, done.stderr
    [file] = files_of(mount.server)
    assert file['filename'] == 'b.bin' and bytes_of(mount.server, file) == data
    assert os.listdir(mount / A) == ['b.bin']


def test_a_download_that_is_cut_is_an_error_and_starts_anew(relay):
    data = content(8 << 20)
    mount = relay('--timeout', 2, files=[('big.bin', data)])
    assert os.stat(mount / A / 'big.bin').st_size == len(data)
    mount.relay.cut = 1 << 20
    with pytest.raises(OSError):
        (mount / A / 'big.bin').read_bytes()
    words = (mount / A / '.error').read_text()
    assert words.startswith('big.bin: not read') and 'cut' in words
    assert str(P) in (mount / '.storyfs/errors').read_text()
    mount.relay.cut = None
    time.sleep(1.1)  # a failure is remembered for a second
    assert (mount / A / 'big.bin').read_bytes() == data
    assert not (mount / A / '.error').exists()
