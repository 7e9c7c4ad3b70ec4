# SPDX-License-Identifier: GPL-2.0-or-later
"""The manual pages: they hold what --help and the tables hold, and roff has nothing to say to them."""
import re
import shutil
import subprocess

import pytest

from conftest import ROOT, storyfs
from test_cli import COMMANDS

PAGES = ['1', '5', '7']


def page(section):
    done = storyfs('manual', section)
    assert (done.returncode, done.stderr) == (0, '')
    return done.stdout


def rendered(section):
    """As a terminal would show it, blanks between words being one."""
    if not shutil.which('groff'):
        pytest.skip('there is no groff')
    done = subprocess.run(['groff', '-man', '-Tutf8', '-ww', '-P-cbou', '-rLL=200n', '-rHY=0'], input=page(section),
                          capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (0, '')
    return ' '.join(re.sub('.\b', '', done.stdout).split())


@pytest.mark.parametrize('section', PAGES)
def test_a_page_is_roff_without_warnings(section):
    text = page(section)
    assert text.startswith(f'.TH STORYFS {section} ') and text.isascii()
    assert rendered(section).startswith(f'STORYFS({section})')


def test_the_program_s_page_has_what_help_has():
    text = rendered('1')
    options = {}
    for command in COMMANDS:
        told = storyfs(*command.split(), '--help').stdout
        usage, summary = told.splitlines()[0], told.splitlines()[2]
        assert f'{usage} {summary}' in text
        if command != 'config':
            details = told.split('\n\nOptions:\n')[0].split('\n', 3)[3]
            assert ' '.join(details.split()) in text, command
        options.update(re.findall(r'^  (?:-\w, |    )--([\w-]+)(?: \S+)? +(.*)$', told, re.M))
    assert len(options) > 40
    for name, words in options.items():
        help_text = re.sub(r'( \(\$\w+\))?$', '', words)
        assert re.search(rf'--{name} ([A-Z:]+ )?{re.escape(help_text)}\.', text), name
        for variable in re.findall(r'\(\$(\w+)\)$', words):
            assert f'Environment: ${variable}.' in text
    assert '--fault' not in text and '--token TOKEN' not in text


def test_the_configuration_s_page_has_each_key():
    keys = re.findall(r'^OPTION\(\w+, +"([^"]+)", .*\b(?:CONFIG|SECRET|VEILED), +"([^"]*)"\)$',
                      (ROOT / 'src/app/options.def').read_text(), re.M)
    text = rendered('5')
    assert len(keys) > 25
    for key, words in keys:
        assert re.search(rf' {key} = \S+ {re.escape(words)}', text), key
    listed = set(re.findall(r'^\.TP\n\\fB(\S+)\\fR =', page('5'), re.M))
    assert {key.replace('\\-', '-') for key in listed} == {'source', *(key for key, _ in keys)}


def test_the_tree_s_page_has_each_row():
    rows = re.findall(r'^LAYOUT\((\w+), *(\w+), *(NULL|"[^"]*"), *(\w+),',
                      (ROOT / 'include/storyfs/layout.def').read_text(), re.M)
    types = dict(re.findall(r'^ROW_TYPE\((\w+), .*"(.*)"\)$',
                            (ROOT / 'include/storyfs/row_types.def').read_text(), re.M))
    parents = {row: (parent, name) for row, parent, name, _ in rows}
    text = rendered('7')

    def pattern(row):
        parent, name = parents[row]
        here = r'<[\w ]+>(\.\w+)?' if name == 'NULL' else re.escape(name.strip('"'))
        return here if parent == 'root' else f'{pattern(parent)}/{here}'
    assert len(rows) > 100
    for row, _, _, kind in rows[1:]:
        assert re.search(f' {pattern(row)} {re.escape(types[kind])}', text), row
    assert page('7').count('.TP\n') == len(rows) - 1


def test_another_section_is_refused():
    done = storyfs('manual', '3')
    assert (done.returncode, done.stdout) == (2, '')
    assert done.stderr == 'storyfs: there is no storyfs(3): the sections are 1, 5 and 7\n'
