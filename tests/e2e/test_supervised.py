# SPDX-License-Identifier: GPL-2.0-or-later
"""Run by a service manager: it is told when a mount or server is ready, and what the unit says works."""
import os
import re
import shlex
import signal
import socket
import subprocess

import pytest

import conftest
import mounted
from conftest import ROOT
from mounts import is_mounted, unmount

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='there is no /dev/fuse')
UNIT = (ROOT / 'packaging/systemd/storyfs@.service.in').read_text()


class Manager:
    """What systemd does with the unit, for the instance `work`."""

    def __init__(self, home, name):
        self.home = home
        self.mountpoint = home / 'work'
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.settimeout(conftest.DEADLINE)
        self.socket.bind(name)
        self.env = {**conftest.clean_env(), 'HOME': str(home), 'NOTIFY_SOCKET': name.replace('\0', '@')}
        del self.env['XDG_CONFIG_HOME']
        (home / '.config/storyfs').mkdir(parents=True)
        self.config = home / '.config/storyfs/config'

    def words(self, key):
        line = re.search(f'^{key}=-?(.*)$', UNIT, re.M).group(1)
        line = line.replace('@bindir@/storyfs', conftest.BIN).replace('%h', str(self.home)).replace('%i', 'work')
        return shlex.split(line)

    def start(self):
        subprocess.run(self.words('ExecStartPre'), check=False, stderr=subprocess.DEVNULL, timeout=conftest.DEADLINE)
        return subprocess.Popen(self.words('ExecStart'), cwd=self.home, env=self.env, stdin=subprocess.DEVNULL,
                                stderr=subprocess.PIPE, text=True)

    def told(self):
        return self.socket.recv(4096).decode()


@pytest.fixture
def manager(tmp_path):
    m = Manager(tmp_path, str(tmp_path / 'notify'))
    yield m
    m.socket.close()
    unmount(m.mountpoint)


def end(process):
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=conftest.DEADLINE)
    return process.returncode, said


def test_the_unit_mounts_a_source_by_its_name_and_heals(manager, archive):
    manager.config.write_text(f'[work]\nsource = {archive}\n')
    process = manager.start()
    assert manager.told() == 'READY=1' and (manager.mountpoint / 'me/username').read_text() == 'palpatine\n'
    process.kill()
    process.communicate(timeout=conftest.DEADLINE)
    assert is_mounted(manager.mountpoint)
    with pytest.raises(OSError):
        os.statvfs(manager.mountpoint)
    # What follows the end takes the dead mount away; where that was not run, the next start does.
    subprocess.run(manager.words('ExecStopPost'), check=True, timeout=conftest.DEADLINE)
    assert not is_mounted(manager.mountpoint)
    for _ in range(2):
        process = manager.start()
        assert manager.told() == 'READY=1' and (manager.mountpoint / 'me/username').read_text() == 'palpatine\n'
        process.kill()
        process.communicate(timeout=conftest.DEADLINE)
    process = manager.start()
    assert manager.told() == 'READY=1'
    assert end(process) == (0, '')
    assert manager.told() == 'STOPPING=1' and not is_mounted(manager.mountpoint)


@pytest.mark.parametrize('config,message', [
    ('', "storyfs: 'work' is no file here, and there is no source [work] in "),
    ('refesh = 5\n', "config:1: there is no option 'refesh'; did you mean 'refresh'?"),
    ('[wrok]\nsource = /none\n', "; did you mean 'wrok'?"),
])
def test_a_wrong_configuration_is_not_tried_again(config, message, manager):
    manager.config.write_text(config)
    process = manager.start()
    _, said = process.communicate(timeout=conftest.DEADLINE)
    assert message in said and str(process.returncode) == re.search('RestartPreventExitStatus=(.*)', UNIT).group(1)


def test_a_server_says_when_it_is_ready(archive, tmp_path):
    manager = Manager(tmp_path, f'\0storyfs-test-{tmp_path}')
    server = conftest.Server(archive, env={'NOTIFY_SOCKET': manager.env['NOTIFY_SOCKET']})
    assert manager.told() == 'READY=1'
    assert server.stop() == 0 and manager.told() == 'STOPPING=1'
    manager.socket.close()
    server = conftest.Server(archive, env={'NOTIFY_SOCKET': str(tmp_path / 'nobody')})
    assert server.stop() == 0 and '$NOTIFY_SOCKET: No such file or directory' in server.errors
