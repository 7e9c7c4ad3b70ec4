# SPDX-License-Identifier: GPL-2.0-or-later
"""What the real service answered: dumps and recorded exchanges, where they can be had.

They are facts about others' projects and no part of this one: tests that need them look in
$STORYFS_V5_DATA or in ../shared/data, and are skipped, saying so, where there are none.
"""
import email.utils
import glob
import json
import os
import pathlib
import urllib.parse

import pytest

from conftest import ROOT, V5

PLACES = ([os.environ['STORYFS_V5_DATA']] if 'STORYFS_V5_DATA' in os.environ else
          [ROOT / '../shared/data'])
DATA = next((pathlib.Path(p).resolve() for p in PLACES if (pathlib.Path(p) / 'recorded').is_dir()),
            None)
NEEDS_DATA = pytest.mark.skipif(
    not DATA, reason='no recorded V5 data: set STORYFS_V5_DATA, or put it into ../shared/data')


def dump_folders():
    return sorted(p for p in (DATA / 'dump').iterdir() if p.is_dir())


def dump_files():
    """(folder, kind, resources) of all dumps."""
    for folder in dump_folders():
        for path in sorted(folder.glob('*.json')):
            yield folder, path.stem, json.loads(path.read_text(encoding='utf-8'))


def dump_index():
    """kind -> id -> resource; activity by its guid, iterations by their numbers."""
    index = {}
    for _, kind, resources in dump_files():
        for r in resources:
            index.setdefault(kind, {})[r.get('id', r.get('guid', r.get('number')))] = r
    return index


class Exchange:
    """One recorded request and its answer."""

    def __init__(self, path):
        with open(path, encoding='utf-8') as f:
            data = json.load(f)
        self.number = pathlib.Path(path).name[:4]
        self.method = data['method']
        self.target = urllib.parse.urlsplit(data['url'])._replace(scheme='', netloc='').geturl()
        self.target = self.target[len(V5):]
        self.path = self.target.partition('?')[0]
        self.sent_body = data['request_body'] or None
        self.sent_type = data['request_headers'].get('Content-Type')
        self.sent_headers = {k: v for k, v in data['request_headers'].items() if k in ('Content-Type', 'Accept')}
        self.status = data['status']
        self.recorded_at = email.utils.parsedate_to_datetime(data['recorded_at'])
        self.headers = data['response_headers']
        self.text = data['response_body']
        self.body = json.loads(self.text) if self.text.strip() else None

    def sent_values(self):
        """The parameters of the request, wherever they stood."""
        query = urllib.parse.parse_qs(self.target.partition('?')[2], keep_blank_values=True)
        values = {k.split('[')[0]: v[0] for k, v in query.items()}
        try:
            values.update(json.loads(self.sent_body or '{}'))
        except ValueError:
            pass  # no JSON: a file
        return values


def exchanges():
    for path in sorted(glob.glob(str(DATA / 'recorded' / '*.json'))):
        yield Exchange(path)
