# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that know nothing of storyfs work on scratch files as they do elsewhere: databases,
compilers, archivers, the usual tools."""
import os
import sqlite3
import subprocess

import pytest

import conftest
import mounted
import posix_actors
import posix_places

N_WRITERS = 3
N_ROWS = 25

pytestmark = pytest.mark.skipif(not mounted.can_mount(), reason='no /dev/fuse')


@pytest.fixture(scope='module')
def places(star_archive):
    made = posix_places.Places(star_archive)
    yield made
    made.close()


def clear(folder, before):
    for name in set(os.listdir(folder)) - before:
        (folder / name).unlink()


# ---- a database ----

def insert(path, mode, who):
    db = sqlite3.connect(path, timeout=60, isolation_level=None)
    db.execute(f'PRAGMA journal_mode={mode}')
    for i in range(N_ROWS):
        db.execute('BEGIN IMMEDIATE')
        (n,) = db.execute('SELECT count(*) FROM t').fetchone()
        db.execute('INSERT INTO t VALUES (?, ?, ?)', (n, who, 'x' * (i * 97 % 3000)))
        db.execute('COMMIT' if i % 5 else 'ROLLBACK')
    db.close()


@pytest.mark.parametrize('mode', ['delete', 'truncate', 'persist', 'memory', 'wal'])
def test_a_database_is_written_by_many(mode, places):
    folder = places.here['d']
    before = set(os.listdir(folder))
    path = folder / 'some.db'
    db = sqlite3.connect(path, isolation_level=None)
    assert db.execute(f'PRAGMA journal_mode={mode}').fetchone() == (mode,)
    db.execute('CREATE TABLE t (n INTEGER PRIMARY KEY, who, text)')
    db.close()
    waiting = [posix_actors.begin(lambda who=who: insert(path, mode, who)) for who in range(N_WRITERS)]
    for wait in waiting:
        wait()
    db = sqlite3.connect(path)
    assert db.execute('PRAGMA integrity_check').fetchall() == [('ok',)]
    kept = N_ROWS - N_ROWS // 5
    assert db.execute('SELECT who, count(*) FROM t GROUP BY who ORDER BY who').fetchall() == [
        (who, kept) for who in range(N_WRITERS)]
    assert db.execute('SELECT max(n) FROM t').fetchone() == (N_WRITERS * kept - 1,)
    db.close()
    clear(folder, before)


# ---- programs ----

HELLO = r'''#include <stdio.h>
int main(void) { puts("hello"); return 3; }
'''

COMMANDS = [
    'gcc -g hello.c -o hello && ./hello; echo $?',
    'gcc -c hello.c && ar rcs libhello.a hello.o && nm libhello.a | grep main | cut -d" " -f2-',
    'seq 20000 | rev > n && sort -n -S 64k -T . -o n n && sha1sum n',
    'seq 3000 > n && split -l 100 -a 3 n part- && cat part-* | cmp - n && ls part-* | wc -l',
    'seq 9000 > n && tar cf a.tar n hello.c && rm n && tar xf a.tar && tar tvf a.tar | wc -l && tail -n 1 n',
    'seq 9000 > n && gzip -k n && gunzip -c n.gz | cmp - n && gzip -l n.gz | tail -n 1 | tr -s " "',
    'seq 9 > n && cp -a n m && cp -l n l && ln -s n s && stat -c "%h %s" l && rm n && cat -A s 2>&1; cat m',
    'dd if=/dev/zero of=z bs=4k count=3 seek=2 conv=notrunc,fsync status=none && stat -c %s z && cksum z',
    'truncate -s 10000 z && fallocate -p -o 4096 -l 4096 z && fallocate -l 20000 z && cksum z',
    'f=$(mktemp -p . tmp.XXXXXX) && stat -c "%a %s" $f && install -m 750 hello.c i && stat -c "%a %s" i',
    'exec 9> lock; flock -n 9 && (exec 8> lock; flock -n 8 || echo locked); flock -u 9; flock -n lock echo free',
    'umask 077; echo a > p; umask 022; echo b > q; stat -c "%a" p q; [ -w p ] && [ ! -x p ] && echo right',
    'echo a > x; echo b > y; mv -n x y; cat y; mv -f x y; cat y; mv -T y z; ls x y z 2>&1 | sort',
    'printf "one\\ntwo\\n" > t; sed -i s/two/2/ t; perl -pi -e s/one/1/ t; printf "w\\nq\\n" | ed -s t; cat t',
    'echo a > t; (while read -r line; do echo "$line"; done) < t; cat < t > u; tac t u | tee -a t; wc -c < t',
    'python3 -c "import shelve; s = shelve.open(\'s\'); s[\'a\'] = [1]; s.close(); '
    'print(shelve.open(\'s\')[\'a\'])"',
    'touch -d "2001-02-03 04:05:06.789 UTC" t && stat -c "%Y %y" t && touch -r t u && [ ! t -nt u ] && echo same',
    'seq 500 > n; rsync -a n m && cmp n m && rsync -a --inplace --append-verify n m && stat -c %s m',
    'for i in 1 2 3; do echo $i >> log & done; wait; sort log; printf "%s" x > log; cat log',
]


def outcome(command, folder):
    before = set(os.listdir(folder))
    (folder / 'hello.c').write_text(HELLO)
    done = subprocess.run(['bash', '-c', command], cwd=folder, text=True, check=False,
                          capture_output=True, timeout=conftest.DEADLINE,
                          env={**os.environ, 'LC_ALL': 'C', 'TMPDIR': '.', 'TZ': 'UTC'})
    names = sorted(set(os.listdir(folder)) - before)
    clear(folder, before)
    return done.returncode, done.stdout, done.stderr, [n for n in names if not n.startswith('tmp.')]


@pytest.mark.parametrize('command', COMMANDS)
def test_a_program_does_what_it_does_elsewhere(command, places):
    elsewhere = outcome(command, places.elsewhere['d'])
    assert outcome(command, places.here['d']) == elsewhere
    assert elsewhere[1], elsewhere
