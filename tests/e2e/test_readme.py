# SPDX-License-Identifier: GPL-2.0-or-later
"""README.md does what it says: its commands are run as they stand, and its recording is true."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

import conftest
from mounted import can_mount

pytestmark = pytest.mark.skipif(not can_mount(), reason='there is no /dev/fuse')
ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r'^```sh\n(.*?)^```$', (ROOT / 'README.md').read_text('utf-8'), re.M | re.S)
EXPORT = re.search(r'storyfs import (\S+\.zip)', BLOCKS[0]).group(1)
STORY = '187227797'


def block_with(text):
    return next(b for b in BLOCKS if text in b)


@pytest.fixture
def home(tmp_path):
    """A newcomer's: an export lies there, and storyfs is in the PATH."""
    env = {**conftest.clean_env(), 'HOME': str(tmp_path), 'LC_ALL': 'C.UTF-8',
           'XDG_CACHE_HOME': str(tmp_path / '.cache'), 'XDG_STATE_HOME': str(tmp_path / '.state'),
           'PATH': f'{pathlib.Path(conftest.BIN).parent}:{os.environ["PATH"]}'}

    def run(script, cwd=tmp_path):
        done = subprocess.run(['bash', '-euc', script], cwd=cwd, env=env, capture_output=True, text=True,
                              timeout=conftest.DEADLINE, check=False)
        assert done.returncode == 0, (script, done.stdout, done.stderr)
        return done.stdout

    demo = ' '.join(str(p) for p in sorted((ROOT / 'packaging/demo-data').iterdir()))
    run(f'storyfs import {demo} demo.db && storyfs export --project 2684301 demo.db {EXPORT} && rm demo.db')
    yield run
    subprocess.run([conftest.BIN, 'umount', tmp_path / 'team'], env=env, timeout=conftest.DEADLINE,
                   capture_output=True, check=False)


def test_from_an_export_to_grep(home, tmp_path):
    found = home(BLOCKS[0])
    assert f'{tmp_path}/team/projects/' in found and f'/stories/{STORY}/name:Waiting list for the good ladder' in found


@pytest.mark.skipif(not shutil.which('git'), reason='no git')
def test_the_one_liners(home, tmp_path):
    home(BLOCKS[0])
    project, = (tmp_path / 'team/projects').iterdir()
    finished = {os.readlink(p).rsplit('/', 1)[1] for p in (project / 'by-state/finished').iterdir()}
    assert finished
    home(f'git init -q -b {STORY}-waiting-list ~/src/shed')
    deliver, of_the_branch, notes = (
        '\n'.join(line for line in part.splitlines()[1:]) for part in re.split(r'^(?=# )', block_with('# deliver'), flags=re.M)[1:])
    home(deliver, project)
    delivered = {os.readlink(p).rsplit('/', 1)[1] for p in (project / 'by-state/delivered').iterdir()}
    assert finished <= delivered and not list((project / 'by-state/finished').iterdir())
    assert '# Waiting list for the good ladder' in home(of_the_branch, project)
    lines = home(notes, project).splitlines()
    assert lines and all(line.startswith('- ') and len(line) > 2 for line in lines)


def test_the_recording_is_what_the_commands_print():
    done = subprocess.run([sys.executable, ROOT / 'packaging/record', '--check', '--storyfs', conftest.BIN],
                          capture_output=True, text=True, timeout=conftest.DEADLINE, check=False)
    assert done.returncode == 0, done.stderr
