# SPDX-License-Identifier: GPL-2.0-or-later
"""A name that resolves to a public address, and then to a private one. test_webhooks.py runs this in namespaces of its
own, where `8.8.8.8` is this machine's and /etc/hosts is ours; it ends with 0 when all was as it should be."""
import pathlib
import subprocess
import sys
import tempfile
import time

from conftest import STAR, Server, storyfs, write_dump
from receiver import Receiver

NAME = 'hook.example.org'
PUBLIC = '8.8.8.8'
HOOKS = '/projects/99/webhooks'


def run(*args):
    subprocess.run(args, check=True, timeout=60)


def wait_until(condition):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, 'it did not happen'
        time.sleep(0.05)


def main():
    base = pathlib.Path(tempfile.mkdtemp())
    hosts = base / 'hosts'
    hosts.write_text(f'{PUBLIC} {NAME}\n')
    run('ip', 'link', 'set', 'lo', 'up')
    run('ip', 'address', 'add', f'{PUBLIC}/32', 'dev', 'lo')
    run('ip', 'address', 'add', 'fd00::1/128', 'dev', 'lo', 'nodad')
    run('mount', '--bind', str(hosts), '/etc/hosts')
    done = storyfs('import', write_dump(base / 'dump', STAR), base / 'a.db', '--owner', 'palpatine')
    assert done.returncode == 0, done.stderr
    public = Receiver(host=PUBLIC)
    private = [Receiver(host=host, port=public.port) for host in ('127.0.0.1', '::1', 'fd00::1')]
    server = Server(base / 'a.db')
    server.token = storyfs('user', 'token', base / 'a.db').stdout.strip()

    def rename(name):
        assert server.request('PUT', '/stories/555', body={'name': name}).status == 200

    def error():
        return server.request('GET', f'{HOOKS}/{hook}').json().get('last_error_code')

    hook = server.request('POST', HOOKS, body={'webhook_url': f'http://{NAME}:{public.port}/'}).json()['id']
    rename('first')
    public.wait_for(1)
    for i, address in enumerate(('127.0.0.1', '::1', 'fd00::1', '::ffff:127.0.0.1')):
        # In place: it is this file that is mounted.
        hosts.write_text(f'{address} {NAME}\n')
        # Another URL, so that it is tried at once, and so that an error is of this address.
        server.request('DELETE', f'{HOOKS}/{hook}')
        hook = server.request('POST', HOOKS, body={
            'webhook_url': f'http://{NAME}:{public.port}/{i}'}).json()['id']
        rename(f'secret {i}')
        wait_until(error)
        assert error() == 'address_not_allowed', (address, error())
    assert [len(r.items) for r in private] == [0, 0, 0]
    # What was refused is kept, and sent when the name is public again.
    hosts.write_text(f'{PUBLIC} {NAME}\n')
    public.wait_for(2)
    assert public.names() == ['first', 'secret 3']
    # The name works as it should: with the option, it leads to the private receiver.
    assert server.stop() == 0
    hosts.write_text(f'127.0.0.1 {NAME}\n')
    server = Server(base / 'a.db', '--webhook-private')
    server.token = storyfs('user', 'token', base / 'a.db').stdout.strip()
    rename('on purpose')
    private[0].wait_for(1)
    assert server.stop() == 0


if __name__ == '__main__':
    sys.exit(main())
