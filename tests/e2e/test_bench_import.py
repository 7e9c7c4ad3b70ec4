# SPDX-License-Identifier: GPL-2.0-or-later
"""bench/import runs, and what it holds against each other is the same. How fast that is is not looked at."""
import csv
import os
import pathlib
import re
import subprocess
import sys

import pytest

import conftest

BENCH = conftest.ROOT / 'bench/import'
CELLS = pathlib.Path(conftest.BIN).resolve().parents[2] / 'bench/cells'
ROWS = 40

sys.path.insert(0, str(conftest.ROOT / 'bench'))
from fsbench import export  # pylint: disable=wrong-import-position

pytestmark = pytest.mark.skipif(not CELLS.exists(), reason=f'there is no {CELLS}')


def run(folder, *args):
    return subprocess.run([str(BENCH), '--storyfs', conftest.BIN, '--rows', str(ROWS), '--runs', '2', '--dir',
                           str(folder), *map(str, args)], capture_output=True, text=True, check=False,
                          timeout=conftest.DEADLINE, env=conftest.clean_env(), stdin=subprocess.DEVNULL)


def test_an_import_is_measured(tmp_path):
    written = tmp_path / 'benchmarks.md'
    written.write_text('Before.\n\n<!-- bench/import: begin -->\nold\n<!-- bench/import: end -->\nBehind.\n')
    (tmp_path / 'work').mkdir()
    done = run(tmp_path / 'work', '--write', written)
    assert done.returncode == 0, done.stderr
    n_cells = export.write(tmp_path / 'export.csv', ROWS)
    with open(tmp_path / 'export.csv', encoding='utf-8', newline='') as file:
        rows = list(csv.reader(file))[1:]
    assert n_cells == sum(cell != '' for row in rows for cell in row)
    assert f'{ROWS} rows and 16 columns, and 30 that repeat, all of them full: {n_cells:,} cells' in done.stdout
    assert all(all(row[-30:]) for row in rows)
    assert re.search(r'^\| time, `storyfs import` : SQLite alone \| [\d.]+ \| ≤ 3 \| (reached|\*\*missed\*\*) \|$',
                     done.stdout, re.M)
    text = written.read_text()
    assert text.startswith('Before.\n\n<!-- bench/import: begin -->\n## The import\n') and '\nold\n' not in text
    assert text.endswith('<!-- bench/import: end -->\nBehind.\n') and done.stdout.strip() in text
    assert os.listdir(tmp_path / 'work') == []


def test_what_is_not_the_same_is_not_measured(tmp_path):
    other = tmp_path / 'cells'
    other.write_text('#!/bin/sh\necho 1\n')
    other.chmod(0o755)
    (tmp_path / 'work').mkdir()
    done = run(tmp_path / 'work', '--cells', other)
    assert done.returncode == 1 and re.search(r'^bench/import: cells: 1 cells instead of \d+$', done.stderr, re.M)
    assert os.listdir(tmp_path / 'work') == []
