# SPDX-License-Identifier: GPL-2.0-or-later
"""Files over real sockets: sent by curl, taken back whole and in parts; stories as CSV."""
import csv
import io
import json
import subprocess

from conftest import DEADLINE, V5

SIZE = 3 * 1000 * 1000 + 7


def curl(server, *args):
    done = subprocess.run(['curl', '-sS', '--max-time', str(DEADLINE), '-H',
                           f'X-TrackerToken: {server.token}', *map(str, args)],
                          capture_output=True, timeout=DEADLINE + 5)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_file_goes_in_and_comes_back(server, tmp_path):
    sent = bytes(i * 7 % 251 for i in range(SIZE))
    path = tmp_path / 'größe.bin'
    path.write_bytes(sent)
    upload = json.loads(curl(server, '-F', f'file=@{path}', f'{server.url}/projects/99/uploads'))
    assert (upload['filename'], upload['size'], upload['uploaded']) == ('größe.bin', SIZE, False)
    url = server.url[:-len(V5)] + upload['download_url']
    assert curl(server, url) == sent
    assert curl(server, '-r', '262140-262149', url) == sent[262140:262150]
    assert curl(server, '-r', '-5', url) == sent[-5:]
    head = curl(server, '-I', url).decode()
    assert f'Content-Length: {SIZE}' in head
    assert "filename*=UTF-8''gr%C3%B6%C3%9Fe.bin" in head
    assert server.request('GET', '/me').status == 200


def test_python_reads_the_export(server):
    text = curl(server, '-X', 'POST', f'{server.url}/projects/99/export').decode()
    rows = {r['Id']: r for r in csv.DictReader(io.StringIO(text, newline=''))}
    assert set(rows) == {'555', '556'}
    assert rows['555']['Title'] == 'Bring me the passengers'
    assert rows['555']['Owned By'] == 'Darth Vader'
    assert rows['555']['Created at'] == 'Jan 2, 2014'
