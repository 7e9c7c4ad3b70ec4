# SPDX-License-Identifier: GPL-2.0-or-later
"""Webhooks over real sockets: receivers that fail, hang and come back, and a server that dies."""
import pathlib
import shutil
import socket
import subprocess
import time

import pytest

from conftest import DEADLINE
from receiver import Receiver

HOOKS = '/projects/99/webhooks'


@pytest.fixture
def receivers():
    made = []

    def make(*args, **kwargs):
        made.append(Receiver(*args, **kwargs))
        return made[-1]

    yield make
    for r in made:
        r.close()


@pytest.fixture
def sending(archive, serve):
    """A server whose webhooks may reach this machine."""
    return serve(archive, '--webhook-private')


def add_webhook(server, url):
    answer = server.request('POST', HOOKS, body={'webhook_url': url})
    assert answer.status == 200, answer.body
    return answer.json()['id']


def rename(server, name):
    answer = server.request('PUT', '/projects/99/stories/555', body={'name': name})
    assert answer.status == 200
    return int(answer.headers['X-Tracker-Project-Version'])


def wait_until(condition, deadline=DEADLINE):
    until = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < until, 'it did not happen'
        time.sleep(0.05)


def error_of(server, webhook):
    return server.request('GET', f'{HOOKS}/{webhook}').json().get('last_error_code')


def test_an_item_is_sent_as_v5_sent_it(sending, receivers):
    receiver = receivers()
    add_webhook(sending, receiver.url)
    version = rename(sending, 'Grüße')
    item, = receiver.wait_for(1)
    assert receiver.headers[0]['Content-Type'] == 'application/json'
    assert receiver.headers[0]['User-Agent'].startswith('storyfs/')
    assert receiver.headers[0]['X-TrackerToken'] is None
    assert receiver.paths == ['/hook?key=1']
    assert item == sending.request(
        'GET', f'/projects/99/activity?since_version={version - 1}&date_format=millis').json()[0]
    assert item['kind'] == 'story_update_activity'
    assert isinstance(item['occurred_at'], int)
    assert isinstance(item['changes'][0]['new_values']['updated_at'], int)


def test_two_webhooks_get_everything_in_order(sending, receivers):
    flaky = receivers(lambda n: 503 if n % 3 == 0 else 200)
    steady = receivers()
    add_webhook(sending, flaky.url)
    add_webhook(sending, steady.url)
    names = [f'name {i}' for i in range(5)]
    for name in names:
        rename(sending, name)
    steady.wait_for(5)
    assert steady.names() == names
    flaky.wait_for(8)
    # What was refused comes again before what follows it.
    assert flaky.names() == [names[i] for i in (0, 0, 1, 2, 2, 3, 4, 4)][:8]


def test_a_hanging_receiver_holds_up_nobody(sending, receivers):
    hanging = receivers(lambda n: ('hang', 30))
    slow = receivers(lambda n: ('slow', 0.3))
    alive = receivers()
    for _ in range(10):
        add_webhook(sending, hanging.url)
    add_webhook(sending, slow.url)
    add_webhook(sending, alive.url)
    for i in range(3):
        rename(sending, f'name {i}')
    alive.wait_for(3, deadline=10)
    slow.wait_for(3, deadline=10)
    assert sending.request('GET', '/me').status == 200


def test_a_dead_receiver_is_tried_again(sending, receivers):
    with socket.create_server(('127.0.0.1', 0)) as s:
        port = s.getsockname()[1]
    webhook = add_webhook(sending, f'http://127.0.0.1:{port}/')
    rename(sending, 'while nobody listened')
    wait_until(lambda: error_of(sending, webhook) == 'connection_refused')
    receiver = receivers()
    sending.request('PUT', f'{HOOKS}/{webhook}', body={'webhook_url': receiver.url})
    receiver.wait_for(1)
    assert receiver.names() == ['while nobody listened']


@pytest.mark.parametrize('how, code', [(302, '302'), (404, '404'), ('cut', 'connection_reset')])
def test_what_went_wrong_is_on_the_resource(sending, receivers, how, code):
    receiver = receivers(lambda n: how)
    webhook = add_webhook(sending, receiver.url)
    rename(sending, 'a')
    wait_until(lambda: error_of(sending, webhook) == code)
    found = sending.request('GET', f'{HOOKS}/{webhook}').json()
    assert found['enabled'] is True
    assert found.get('last_response_body') == (None if how == 'cut' else 'no, thank you')
    assert set(receiver.paths) == {'/hook?key=1'}


@pytest.mark.parametrize('host', ['127.0.0.1', 'localhost', '0.0.0.0', '10.0.0.1', '192.168.1.1',
                                  '169.254.169.254', '100.64.0.1', '[::1]', '[::]', '[fc00::1]',
                                  '[::ffff:127.0.0.1]', '[::127.0.0.1]', '2130706433', '0x7f.1', '127.1'])
def test_private_addresses_are_not_reached(server, receivers, host):
    receiver = receivers()
    webhook = add_webhook(server, f'http://{host}:{receiver.port}/')
    rename(server, 'secret')
    wait_until(lambda: error_of(server, webhook) is not None)
    assert error_of(server, webhook) == 'address_not_allowed'
    assert not receiver.items


def test_a_name_that_turns_private_is_not_followed():
    inside = ['unshare', '--map-root-user', '--mount', '--net']
    if subprocess.run([*inside, 'true'], capture_output=True, timeout=DEADLINE).returncode or not shutil.which('ip'):
        pytest.skip('no namespaces here, or no ip(8)')
    done = subprocess.run([*inside, '/usr/bin/python3', pathlib.Path(__file__).with_name('rebinding.py')],
                          capture_output=True, text=True, timeout=4 * DEADLINE)
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_proxy_of_the_environment_is_no_way_around(archive, serve, receivers, monkeypatch):
    proxy = receivers()
    for name in ('http_proxy', 'all_proxy'):
        monkeypatch.setenv(name, f'http://127.0.0.1:{proxy.port}')
    server = serve(archive)
    webhook = add_webhook(server, 'http://10.0.0.1:81/')
    rename(server, 'secret')
    wait_until(lambda: error_of(server, webhook) == 'address_not_allowed')
    assert not proxy.items


def test_what_was_not_sent_is_sent_after_a_restart(archive, serve, receivers):
    is_open = []
    receiver = receivers(lambda n: 200 if is_open else ('hang', 20))
    server = serve(archive, '--webhook-private')
    add_webhook(server, receiver.url)
    for i in range(4):
        rename(server, f'name {i}')
    receiver.wait_for(1)
    began = time.monotonic()
    assert server.stop() == 0
    assert time.monotonic() - began < 10
    is_open.append(True)
    serve(archive, '--webhook-private')
    receiver.wait_for(5)
    assert receiver.names() == ['name 0', 'name 0', 'name 1', 'name 2', 'name 3']


def test_an_end_waits_for_the_answer_so_that_nothing_comes_twice(archive, serve, receivers):
    receiver = receivers(lambda n: ('slow', 1))
    server = serve(archive, '--webhook-private')
    add_webhook(server, receiver.url)
    for i in range(3):
        rename(server, f'name {i}')
    for n in (1, 2):
        receiver.wait_for(n)  # it came, and is not answered yet
        assert server.stop() == 0
        server = serve(archive, '--webhook-private')
    receiver.wait_for(3)
    rename(server, 'the last')
    receiver.wait_for(4)
    assert receiver.names() == ['name 0', 'name 1', 'name 2', 'the last']


def test_nothing_is_lost_when_it_is_killed(archive, serve, receivers):
    receiver = receivers(lambda n: ('slow', 0.02))
    hook = None
    last = 0
    for round_ in range(4):
        server = serve(archive, '--webhook-private')
        hook = hook or add_webhook(server, receiver.url)
        for i in range(10):
            last = rename(server, f'name {round_} {i}')
        server.kill()
    server = serve(archive, '--webhook-private')
    wait_until(lambda: receiver.versions() and receiver.versions()[-1] == last)
    versions = receiver.versions()
    assert sorted(set(versions)) == list(range(last - 39, last + 1))
    assert versions == sorted(versions)
    # An item comes twice when the server was killed before it could note the answer.
    assert len(versions) - len(set(versions)) <= 4


def test_what_another_program_writes_is_sent(archive, serve, receivers):
    receiver = receivers()
    add_webhook(serve(archive, '--webhook-private'), receiver.url)
    # Both have senders, so that it may come twice.
    rename(serve(archive, '--webhook-private'), 'by somebody else')
    receiver.wait_for(1)
    assert set(receiver.names()) == {'by somebody else'}
