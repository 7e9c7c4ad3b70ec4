# SPDX-License-Identifier: GPL-2.0-or-later
"""Real programs save one file on a real mount.

Each row of PROGRAMS is run three times: on a server that takes the save (exactly one arrives, with
exactly these bytes; the file reads back; nothing is left lying about), on one that refuses it (one
attempt; the program says so where it can; the old text is back, `.error` tells why, and what was
written is found), and on another kind of refusal for the rows marked so.
"""
import dataclasses
import os
import shutil
import subprocess
import time

import pytest

import mounts
import terminal
from mounts import FIELD, INITIAL, REFUSALS, WORDS, wait_until

REJECTED = FIELD + '.rejected'
TWO = b'one\nTWO\nthree\n'
NEW = b'new\n'
FOUR = INITIAL + b'four\n'
ZERO = b'zero ' + INITIAL

# What a row's command may use: $F the field, $D its directory, $T a directory elsewhere with
# new (NEW), two (TWO), same (INITIAL), empty, two.diff, new.tar and new.zip (of $F's name).
EMACS = '(progn (goto-char 1) (insert "zero ") %s)'
EMACS_SAVE = ('(condition-case e (save-buffer) (error (write-region (format "%S" e) nil '
              '(concat (getenv "T") "/said")) (kill-emacs 1)))')
NODE = "const fs = require('fs'), f = process.env.F; "


@dataclasses.dataclass
class Program:
    name: str
    command: object  # a shell script, or the arguments of a program in a terminal
    after: bytes = NEW
    saves: tuple = None  # the texts, when it is not once what is there afterwards
    sees: bool = True  # does it exit with an error, or say so, when it is refused?
    keys: tuple = ()  # typed in the terminal
    leaves: tuple = ()  # other files that are its business
    says: str = None  # what it says then, if it exits with success
    tries: tuple = None  # the texts when refused, if not as saves
    rejected: bytes = None  # what lies beside the field when refused, if not what is sent
    needs: str = None  # the program, when it is not the first word

    @property
    def texts(self):
        return (self.after,) if self.saves is None else self.saves


def shell(name, command, *args, **more):
    return Program(name, command, *args, **more)


def python(name, code, *args, **more):
    code = "import os, mmap, pathlib, subprocess, tempfile; F = os.environ[\"F\"]\n" + code
    return Program('python ' + name, f"/usr/bin/python3 -c '{code}'", *args, **more)


def node(name, code, *args, **more):
    return Program('node ' + name, f'node -e "{NODE}{code}"', *args, needs='node', **more)


PROGRAMS = [
    shell('sh >', 'sh -c \'echo new > "$F"\'', sees=False),
    shell('bash >', 'bash -c \'echo new > "$F"\'', sees=False),
    # dash opens the file itself and has it open still when the program it runs closes it.
    shell('sh > by a program', 'dash -c \'/bin/echo new > "$F"\'', sees=False),
    shell('bash > by a program', 'bash -c \'/bin/echo new > "$F"\''),
    shell('sh >>', 'sh -c \'echo four >> "$F"\'', FOUR, sees=False),
    shell('sh group', 'sh -c \'{ echo a; /bin/echo b; echo c; } > "$F"\'', b'a\nb\nc\n', sees=False),
    shell('sh loop', 'sh -c \'for i in a b c; do /bin/echo $i; done > "$F"\'', b'a\nb\nc\n',
          sees=False),
    shell('sh exec', 'sh -c \'exec 3> "$F"; echo a >&3; /bin/echo b >&3; exec 3>&-\'', b'a\nb\n',
          sees=False),
    shell('sh pipe', 'sh -c \'printf "new\\n" | cat > "$F"\''),
    shell('sh 2>&1', 'sh -c \'{ echo new; } > "$F" 2>&1\'', sees=False),
    shell('sh background', 'sh -c \'{ echo a; { sleep 0.4; echo b; } & } > "$F"; sleep 1\'',
          b'a\nb\n', saves=(b'a\n', b'a\nb\n'), sees=False),
    shell('sh only a child writes', 'bash -c \'exec 3> "$F"; (echo new >&3); exec 3>&-\'',
          sees=False),
    shell('no final newline', 'printf new > "$T/x" && cp "$T/x" "$F"', NEW, saves=(b'new',)),
    shell('tee', 'tee "$F" < "$T/new" > "$T/x"', needs='tee'),
    shell('tee -a', 'echo four | tee -a "$F" > "$T/x"', FOUR),
    shell('cp', 'cp "$T/new" "$F"'),
    shell('cp -p', 'cp -p "$T/new" "$F"'),
    shell('cp --remove-destination', 'cp --remove-destination "$T/new" "$F"'),
    shell('install', 'install -m 600 "$T/new" "$F"'),
    shell('mv from another device', 'mv "$T/new" "$F"'),
    shell('cat', 'bash -c \'cat "$T/new" > "$F"\''),
    shell('dd', 'dd if="$T/new" of="$F" status=none'),
    shell('dd conv=fsync', 'dd if="$T/new" of="$F" conv=fsync status=none'),
    shell('dd conv=notrunc', 'dd if="$T/new" of="$F" conv=notrunc status=none', b'new\ntwo\nthree\n'),
    shell('curl -o', 'curl -s -o "$F" "file://$T/new"', sees=True),
    shell('tar x', 'tar -C "$D" -xf "$T/new.tar"'),
    shell('tar x --overwrite', 'tar -C "$D" --overwrite -xf "$T/new.tar"'),
    shell('unzip', 'unzip -qo "$T/new.zip" -d "$D"', sees=False),
    shell('git apply', 'cd "$D" && git apply "$T/two.diff"', TWO, needs='git'),
    shell('patch', 'cd "$D" && patch -s -p1 < "$T/two.diff"', TWO, needs='patch',
          leaves=(FIELD + '.orig',)),
    shell('sponge', 'sed s/two/TWO/ "$F" | sponge "$F"', TWO, needs='sponge'),
    shell('ed', 'printf "2s/two/TWO/\\nw\\nq\\n" | ed -s "$F"', TWO, needs='ed'),
    shell('sort -o', 'sort -r -o "$F" "$F"', b'two\nthree\none\n'),
    shell('sed -i', 'sed -i s/two/TWO/ "$F"', TWO),
    shell('sed -i.bak', 'sed -i.bak s/two/TWO/ "$F" && rm "$F.bak"', TWO,
          leaves=(FIELD + '.bak',)),
    shell('perl -i', 'perl -i -pe s/two/TWO/ "$F"', TWO),
    shell('perl -i.bak', 'perl -i.bak -pe s/two/TWO/ "$F"', TWO, leaves=(FIELD + '.bak',)),
    shell('gawk -i inplace', 'gawk -i inplace \'{ sub(/two/, "TWO") } 1\' "$F"', TWO),
    shell('rsync', 'rsync "$T/new" "$F"'),
    shell('rsync -a', 'rsync -a "$T/new" "$F"'),
    shell('rsync --inplace', 'rsync --inplace "$T/new" "$F"'),
    shell('unix2dos', 'unix2dos -q "$F"', b'one\r\ntwo\r\nthree\r\n', sees=None,
          leaves=('d2utmp*',)),
    shell('mv within the directory', 'cp "$T/new" "$D/x" && mv "$D/x" "$F"', leaves=('x',)),
    shell('mv -f of a copy', 'cp "$F" "$D/x" && echo four >> "$D/x" && mv -f "$D/x" "$F"', FOUR,
          leaves=('x',)),
    shell('rm and write', 'rm "$F" && echo new > "$F"', sees=False),
    shell('truncate -s', 'truncate -s 4 "$F"', b'one\n'),
    shell('ex', 'vim -es -c "%s/two/TWO/" -c wq "$F"', TWO),
    Program('vim', ['vim', '-c', '%s/two/TWO/', '-c', 'wq', '$F'], TWO,
            keys=(b'\r', b':q!\r'), says='E667: Fsync failed'),
    Program('vim backupcopy=yes', ['vim', '-c', 'set bkc=yes', '-c', '%s/two/TWO/', '-c', 'wq', '$F'],
            TWO, keys=(b'\r', b':q!\r'), says='E667: Fsync failed'),
    Program('vim backup', ['vim', '-c', 'set backup', '-c', '%s/two/TWO/', '-c', 'wq', '$F'],
            TWO, keys=(b'\r', b':q!\r'), says='E667: Fsync failed', leaves=(FIELD + '~',)),
    Program('vim nowritebackup', ['vim', '-c', 'set nowb', '-c', '%s/two/TWO/', '-c', 'wq', '$F'],
            TWO, keys=(b'\r', b':q!\r'), says='E667: Fsync failed'),
    Program('vim nofsync', ['vim', '-c', 'set nofs', '-c', '%s/two/TWO/', '-c', 'wq', '$F'],
            TWO, keys=(b'\r', b':q!\r'), says='E512: Close failed'),
    Program('vim twice', ['vim', '-c', '%s/two/TWO/', '-c', 'w', '-c', '$s/$/!/', '-c', 'wq', '$F'],
            b'one\nTWO\nthree!\n', saves=(TWO, b'one\nTWO\nthree!\n'),
            keys=(b'\r', b':q!\r'), says='E667: Fsync failed'),
    Program('nano', ['nano', '$F'], ZERO, keys=(b'zero ', b'\x0f', b'\r', b'\x18', b'n'),
            says='Error writing'),
    Program('nano -B', ['nano', '-B', '$F'], ZERO, keys=(b'zero ', b'\x0f', b'\r', b'\x18', b'n'),
            says='Error writing',
            leaves=(FIELD + '~',)),
    Program('nano twice', ['nano', '$F'], b'a zero ' + INITIAL,
            saves=(ZERO, b'a zero ' + INITIAL), needs='nano',
            keys=(b'zero ', b'\x0f', b'\r', b'\x1b\\', b'a ', b'\x0f', b'\r', b'\x18', b'n'),
            says='Error writing'),
    shell('emacs --batch', f"emacs -Q --batch \"$F\" --eval '{EMACS % '(save-buffer)'}'", ZERO,
          needs='emacs', leaves=(FIELD + '~',)),
    Program('emacs -nw', ['emacs', '-Q', '-nw', '$F', '--eval',
                          EMACS % f'{EMACS_SAVE} (kill-emacs 0)'],
            ZERO, leaves=(FIELD + '~', f'#{FIELD}#')),
    Program('emacs -nw with fsync', ['emacs', '-Q', '-nw', '$F', '--eval', EMACS % (
        f'(setq write-region-inhibit-fsync nil) {EMACS_SAVE} (kill-emacs 0)')],
            ZERO, leaves=(FIELD + '~', f'#{FIELD}#')),
    Program('emacs -nw twice', ['emacs', '-Q', '-nw', '$F', '--eval', EMACS % (
        f'{EMACS_SAVE} (goto-char 1) (insert "a ") {EMACS_SAVE} (kill-emacs 0)')],
            b'a ' + ZERO, saves=(ZERO, b'a ' + ZERO), tries=(ZERO,),
            leaves=(FIELD + '~', f'#{FIELD}#')),
    Program('emacs precious', ['emacs', '-Q', '-nw', '$F', '--eval', EMACS % (
        f'(setq file-precious-flag t) {EMACS_SAVE} (kill-emacs 0)')],
            ZERO, leaves=(FIELD + '~', f'#{FIELD}#', 'tmp*')),
    python('open w', 'with open(F, "w") as f: f.write("new\\n")'),
    python('two writes', 'with open(F, "w") as f:\n f.write("a\\n"); f.flush(); f.write("b\\n")',
           b'a\nb\n'),
    python('open r+', 'with open(F, "r+") as f:\n f.seek(4); f.write("TWO")', TWO),
    python('open a', 'with open(F, "a") as f: f.write("four\\n")', FOUR),
    python('read, then write', 's = open(F).read()\n'
           'with open(F, "w") as f: f.write(s.replace("two", "TWO"))', TWO),
    python('pathlib', 'pathlib.Path(F).write_text("new\\n")'),
    python('not closed', 'f = open(F, "w"); f.write("new\\n")', sees=None),
    python('child', 'with open(F, "w") as f: subprocess.run(["echo", "new"], stdout=f)'),
    python('fsync', 'with open(F, "w") as f: f.write("new\\n"); f.flush(); os.fsync(f.fileno())'),
    python('atomic', 't = tempfile.NamedTemporaryFile("w", dir=os.environ["D"], delete=False)\n'
           't.write("new\\n"); t.flush(); os.fsync(t.fileno()); t.close()\n'
           'os.replace(t.name, F)', leaves=('tmp*',)),
    python('mmap', 'with open(F, "r+b") as f, mmap.mmap(f.fileno(), 0) as m: m[4:7] = b"TWO"', TWO,
           sees=None),
    python('mmap with msync', 'with open(F, "r+b") as f, mmap.mmap(f.fileno(), 0) as m:\n'
           ' m[4:7] = b"TWO"; m.flush()', TWO),
    python('truncate by path', 'os.truncate(F, 4)', b'one\n'),
    node('writeFileSync', "fs.writeFileSync(f, 'new\\n')"),
    node('promises', "fs.promises.writeFile(f, 'new\\n')"),
    node('stream', "const s = fs.createWriteStream(f); s.write('a\\n'); s.end('b\\n')", b'a\nb\n'),
    node('appendFile', "fs.appendFileSync(f, 'four\\n')", FOUR),
    node('fsync', "const d = fs.openSync(f, 'w'); fs.writeSync(d, 'new\\n'); fs.fsyncSync(d); "
         'fs.closeSync(d)'),
    node('copyFile', "fs.copyFileSync(process.env.T + '/new', f)"),
    node('atomic', "fs.writeFileSync(f + '.tmp', 'new\\n'); fs.renameSync(f + '.tmp', f)",
         leaves=(FIELD + '.tmp',)),
    # Nothing to send.
    shell('touch', 'touch "$F"', INITIAL, saves=()),
    shell('touch -d', 'touch -d 2001-01-01 "$F"', INITIAL, saves=()),
    shell('chmod', 'chmod 644 "$F" && chmod 600 "$F"', INITIAL, saves=()),
    shell('chown', 'chown "$(id -u)" "$F"', INITIAL, saves=()),
    shell('cp of the same', 'cp "$T/same" "$F"', INITIAL, saves=()),
    shell('sed -i without a match', 'sed -i s/nothing/x/ "$F"', INITIAL, saves=()),
    shell('rsync of the same', 'rsync -c "$T/same" "$F"', INITIAL, saves=()),
    shell('mv away and back', 'mv "$F" "$F.x" && mv "$F.x" "$F"', INITIAL, saves=()),
    Program('vim without a change', ['vim', '-c', 'wq', '$F'], INITIAL, saves=()),
    # Clearing, settled at the last close.
    shell(': >', 'sh -c \': > "$F"\'', b'', sees=False, rejected=b''),
    shell('truncate -s 0', 'truncate -s 0 "$F"', b'', sees=False, rejected=b''),
    shell('cp of an empty file', 'cp "$T/empty" "$F"', b'', sees=False, rejected=b''),
    shell('cp /dev/null', 'cp /dev/null "$F"', b'', sees=False, rejected=b''),
]


@pytest.fixture(scope='module', params=list(mounts.KINDS))
def mount(request):
    if not mounts.is_built(request.param):
        pytest.skip(f'the program for the {request.param} mount is not built')
    m = mounts.KINDS[request.param]()
    yield m
    m.close()


@pytest.fixture(scope='module')
def fake():
    if not mounts.is_built('fake'):
        pytest.skip('fakefs is not built')
    m = mounts.FakeMount(vacated_ms=1000)
    yield m
    m.close()


@pytest.fixture(autouse=True)
def takes_saves_again(request):
    yield
    for name in ('mount', 'fake'):
        if name in request.fixturenames:
            request.getfixturevalue(name).refuse(None)


@pytest.fixture
def sources(tmp_path):
    """$T."""
    for name, data in (('new', NEW), ('two', TWO), ('same', INITIAL), ('empty', b'')):
        (tmp_path / name).write_bytes(data)
    a, b, archive = tmp_path / 'a', tmp_path / 'b', tmp_path / 'archive'
    for directory, data in ((a, INITIAL), (b, TWO), (archive, NEW)):
        directory.mkdir()
        (directory / FIELD).write_bytes(data)
    diff = subprocess.run(['diff', '-u', f'a/{FIELD}', f'b/{FIELD}'], cwd=tmp_path,
                          capture_output=True, timeout=10, check=False)
    (tmp_path / 'two.diff').write_bytes(diff.stdout)
    subprocess.run(['tar', '-C', archive, '-cf', tmp_path / 'new.tar', FIELD], check=True, timeout=10)
    shutil.make_archive(str(tmp_path / 'new'), 'zip', archive)
    return tmp_path


def run(program, story, sources):
    """Exit status and output."""
    env = {'PATH': os.environ['PATH'], 'HOME': str(sources), 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8',
           'F': str(story / FIELD), 'D': str(story), 'T': str(sources),
           'GIT_CEILING_DIRECTORIES': str(story.parent)}
    needs = program.needs or (
        program.command[0] if isinstance(program.command, list) else program.command.split()[0])
    if not shutil.which(needs):
        pytest.skip(f'{needs} is not installed')
    if isinstance(program.command, list):
        argv = [env['F'] if a == '$F' else a for a in program.command]
        return terminal.run(argv, env, sources, program.keys)
    done = subprocess.run(['sh', '-c', program.command], env=env, cwd=sources, timeout=30,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode('utf-8', 'replace')


def texts_sent(mount, story, n):
    """The saves, when there are n and a moment later; the last close may be on its way."""
    wait_until(lambda: len(mount.saves(story)) >= n, 3 + mounts.TIMEOUT_S)
    time.sleep(0.1)
    return mount.saves(story)


def value(text):
    """As a server gets it: with or without the newline a file ends with."""
    return text[:-1] if text.endswith(b'\n') else text


def strays(story, before, program):
    found = [n for n in os.listdir(story) if n not in before]
    return [n for n in found if not any(
        n == p or (p.endswith('*') and n.startswith(p[:-1])) for p in program.leaves)]


def ids(program):
    return program.name


@pytest.mark.parametrize('program', PROGRAMS, ids=ids)
def test_one_save_with_the_bytes_that_were_written(mount, sources, program):
    story = mount.take_story()
    before = sorted(os.listdir(story))
    assert (story / FIELD).read_bytes() == INITIAL
    status, said = run(program, story, sources)
    assert status == 0, said
    sent = texts_sent(mount, story, len(program.texts))
    assert [(f, value(t), r) for f, t, r in sent] == [(FIELD, value(t), 0) for t in program.texts]
    assert (story / FIELD).read_bytes() == program.after
    assert (story / FIELD).stat().st_size == len(program.after)
    assert strays(story, before, program) == []
    assert sorted(n for n in os.listdir(story) if n in before) == before


def check_refusal(mount, story, program, sources, how):
    before = sorted(os.listdir(story))
    mount.refuse(how)
    status, said = run(program, story, sources)
    tries = program.texts if program.tries is None else program.tries
    sent = texts_sent(mount, story, len(tries))
    number = REFUSALS[how][1]
    assert [value(t) for _, t, _ in sent] == [value(t) for t in tries]
    # Some remove the file when they could not write it; then its name is free for a while. And the
    # answer to the last close of a shell's file comes when nobody waits for it.
    assert wait_until(lambda: mounts.read(story / FIELD) == INITIAL)
    assert (story / FIELD).stat().st_size == len(INITIAL)
    assert strays(story, [*before, '.error', REJECTED], program) == []
    if program.sees is not None:
        told = status != 0 or (program.says or os.strerror(number)) in said
        assert told == (program.sees and bool(program.texts)), (status, said)
    if not program.texts:
        return
    rejected = tries[-1] if program.rejected is None else program.rejected
    assert not rejected or (story / REJECTED).read_bytes() == rejected
    attribute = os.getxattr(story / FIELD, 'user.storyfs.error').decode()
    for text in ((story / '.error').read_text(), attribute):
        assert FIELD in text and (how == 'hang' or WORDS in text or not any(tries)), text


@pytest.mark.parametrize('program', PROGRAMS, ids=ids)
def test_a_refused_save_is_told_and_loses_nothing(mount, sources, program):
    check_refusal(mount, mount.take_story(), program, sources, '400')


BY_NAME = {p.name: p for p in PROGRAMS}


@pytest.mark.parametrize('how', [h for h in REFUSALS if h != '400'])
@pytest.mark.parametrize('name', ['sh >', 'cp', 'sed -i', 'vim', 'python fsync', ': >'])
def test_every_kind_of_refusal(mount, sources, name, how):
    check_refusal(mount, mount.take_story(), BY_NAME[name], sources, how)
