# SPDX-License-Identifier: GPL-2.0-or-later
"""The programs that save one file, as a table: how each is run, what it makes of the text, and
whether it notices that the save was refused. And what runs them, several at a time.

Any text will do in which `one`, `two` and `three` are lines: a field, or the field in a document.
"""
import concurrent.futures
import dataclasses
import difflib
import fnmatch
import io
import os
import re
import shutil
import string
import subprocess
import tarfile
import zipfile

import pytest

import terminal
from mounts import read, wait_until

AT_ONCE = 8
ESCAPES = re.compile(r'\x1b(\[[0-9;?<>=]*[@-~]|[()].|[=>])')  # what terminals are told
LINES = b'one\ntwo\nthree\n'

# What a program makes of LINES; of the text around it, where it goes beyond.
SOURCE_TIME = 1_600_000_000
EDITS = {
    'new': lambda text: text.replace(LINES, b'new\nand\nnewer\n'),
    'two': lambda text: text.replace(b'two\n', b'TWO\n'),
    'shouted': lambda text: text.replace(b'two\nthree\n', b'TWO\nthree!\n'),
    'zero': lambda text: text.replace(b'one\ntwo\n', b'zero one\ntwo\n'),
    'a zero': lambda text: text.replace(b'one\ntwo\n', b'a zero one\ntwo\n'),
    'four': lambda text: text + b'four\n',
    'new four': lambda text: text.replace(LINES, b'new\nand\nnewer\n') + b'four\n',
    'CR LF': lambda text: text.replace(b'\n', b'\r\n'),
    'reversed': lambda text: b''.join(sorted(text.splitlines(True), reverse=True)),
    'cut off': lambda text: text[:4],
    'unended': lambda text: text.replace(LINES, b'new\nand\nnewer\n')[:-1],
    'nothing': lambda text: b'',
    'same': lambda text: text,
}


@dataclasses.dataclass
class Program:
    name: str
    command: object  # a shell script, or the arguments of a program in a terminal
    after: str = 'new'  # which of EDITS
    saves: tuple = None  # those that are saved, when it is not once what is there afterwards
    sees: bool = True  # does it exit with an error, or say so, when it is refused? None: either
    answers: tuple = ()  # what is typed, when which text was written (terminal.run)
    leaves: tuple = ()  # other files that are its business; in all texts, $N is the file's name
    says: str = None  # what it says then, if it exits with success
    tries: tuple = None  # what is tried when all is refused, if not `saves`
    keeps: str = None  # what is kept of it then, if not the last that is tried
    needs: str = None  # the program, when it is not the first word

    @property
    def texts(self):
        return (self.after,) if self.saves is None else self.saves

    @property
    def tried(self):
        return self.texts if self.tries is None else self.tries


def shell(name, command, *args, **more):
    return Program(name, command, *args, **more)


def python(name, code, *args, **more):
    code = ('import os, mmap, pathlib, stat, subprocess, tempfile\n'
            'F, D, T, N = (os.environ[k] for k in "FDTN"); two = int(os.environ["ONE"]) + 4\n'
            'new = open(T + "/new").read()\n' + code)
    return Program('python ' + name, f"/usr/bin/python3 -c '{code}'", *args, **more)


def node(name, code, *args, **more):
    code = ("const fs = require('fs'), f = process.env.F, T = process.env.T, "
            "text = fs.readFileSync(T + '/new'); " + code)
    return Program('node ' + name, f'node -e "{code}"', *args, needs='node', **more)


def screen(name, *command, answers=(), **more):
    return Program(name, command, answers=tuple(answers), **more)


def vim(name, *commands, says='E667: Fsync failed', program='vim', **more):
    """Ex commands; the keys are typed only when it complains."""
    argv = [word for c in commands for word in ('-c', c)]
    more.setdefault('after', 'two')
    return screen(name, program, '-i', 'NONE', *argv, '$F', answers=[(says, b'\r:q!\r')],
                  says=says, **more)


def typed(name, *command, keys, **more):
    """Into an editor whose cursor is before `one`."""
    more.setdefault('after', 'zero')
    return screen(name, *command, answers=[('three', keys)], **more)


def emacs(name, code, *args, **more):
    """Lisp, the cursor before `one`; it ends with 1 when a save fails."""
    save = ('(condition-case e (save-buffer) (error (write-region (format "%S" e) nil '
            '(concat (getenv "T") "/said")) (kill-emacs 1)))')
    code = '(progn (goto-char (1+ (string-to-number (getenv "ONE")))) %s (kill-emacs 0))' % (
        code.replace('SAVE', save))
    return screen(name, 'emacs', '-Q', '-nw', '$F', '--eval', code, **more)


SUB = '%s/two/TWO/'
EMACS_LEAVES = ('$N~', '#$N#')
# In three parts, of which the last has no newline.
PARTS = 'printf "%s\\n" "$HEAD"; /usr/bin/printf "%s\\n" "$BODY"; printf "%s\\n" "$TAIL"'

# A command may use: $F the file, $D its directory, $N its name; $NEW, the text 'new' without the
# final newline, $HEAD, $BODY and $TAIL, three parts of it; $ONE where `one` is, from 0, $LINE its
# line, from 1; $T a directory elsewhere with new, two, four, same and empty, two.diff, and new.tar
# and new.zip of a file by the name.
PROGRAMS = [
    shell('sh >', 'sh -c \'printf "%s\\n" "$NEW" > "$F"\'', sees=False),
    shell('bash >', 'bash -c \'echo "$NEW" > "$F"\'', sees=False),
    # dash opens the file itself and has it open still when the program it runs closes it.
    shell('sh > by a program', 'dash -c \'/usr/bin/printf "%s\\n" "$NEW" > "$F"\'', sees=False),
    shell('bash > by a program', 'bash -c \'/bin/echo "$NEW" > "$F"\''),
    shell('sh >>', 'sh -c \'echo four >> "$F"\'', 'four', sees=False),
    shell('sh group', f"sh -c '{{ {PARTS}; }} > \"$F\"'", sees=False),
    shell('sh loop', 'sh -c \'while IFS= read -r l; do /bin/echo "$l"; done < "$T/new" > "$F"\'',
          sees=False),
    shell('sh exec', f"sh -c 'exec 3> \"$F\"; {{ {PARTS}; }} >&3; exec 3>&-'", sees=False),
    shell('sh pipe', 'sh -c \'printf "%s\\n" "$NEW" | cat > "$F"\''),
    shell('sh 2>&1', f"sh -c '{{ {PARTS}; }} > \"$F\" 2>&1'", sees=False),
    shell('sh background',
          'sh -c \'{ printf "%s\\n" "$NEW"; { sleep 0.4; echo four; } & } > "$F"; wait\'',
          'new four', saves=('new', 'new four'), sees=False),
    shell('sh only a child writes',
          'bash -c \'exec 3> "$F"; (echo "$NEW" >&3); exec 3>&-\'', sees=False),
    shell('no final newline', 'printf %s "$NEW" > "$T/x" && cp "$T/x" "$F"', saves=('unended',)),
    shell('tee', 'tee "$F" < "$T/new" > "$T/x"'),
    shell('tee -a', 'echo four | tee -a "$F" > "$T/x"', 'four'),
    shell('cp', 'cp "$T/new" "$F"'),
    shell('cp -p', 'cp -p "$T/new" "$F"'),
    shell('cp --remove-destination', 'cp --remove-destination "$T/new" "$F"'),
    shell('install', 'install -m 600 "$T/new" "$F"'),
    shell('mv from another device', 'mv "$T/new" "$F"'),
    shell('cat', 'bash -c \'cat "$T/new" > "$F"\''),
    shell('dd', 'dd if="$T/new" of="$F" status=none'),
    shell('dd conv=fsync', 'dd if="$T/new" of="$F" conv=fsync status=none'),
    shell('dd conv=notrunc', 'dd if="$T/two" of="$F" conv=notrunc status=none', 'two'),
    shell('curl -o', 'curl -s -o "$F" "file://$T/new"'),
    shell('tar x', 'tar -C "$D" -xf "$T/new.tar"'),
    shell('tar x --overwrite', 'tar -C "$D" --overwrite -xf "$T/new.tar"'),
    shell('unzip', 'unzip -qo "$T/new.zip" -d "$D"', sees=False),
    shell('git apply', 'cd "$D" && git apply "$T/two.diff"', 'two', needs='git'),
    shell('patch', 'cd "$D" && patch -s -p1 < "$T/two.diff"', 'two', needs='patch',
          leaves=('$N.orig',)),
    shell('sponge', 'sed s/two/TWO/ "$F" | sponge "$F"', 'two', needs='sponge'),
    shell('ed', 'printf "/two/s//TWO/\\nw\\nq\\n" | ed -s "$F"', 'two', needs='ed'),
    shell('sort -o', 'sort -r -o "$F" "$F"', 'reversed'),
    shell('sed -i', 'sed -i s/two/TWO/ "$F"', 'two'),
    shell('sed -i.bak', 'sed -i.bak s/two/TWO/ "$F" && rm "$F.bak"', 'two', leaves=('$N.bak',)),
    shell('perl -i', 'perl -i -pe s/two/TWO/ "$F"', 'two'),
    shell('perl -i.bak', 'perl -i.bak -pe s/two/TWO/ "$F"', 'two', leaves=('$N.bak',)),
    shell('gawk -i inplace', 'gawk -i inplace \'{ sub(/two/, "TWO") } 1\' "$F"', 'two'),
    shell('rsync', 'rsync "$T/new" "$F"'),
    shell('rsync -a', 'rsync -a "$T/new" "$F"'),
    shell('rsync --inplace', 'rsync --inplace "$T/new" "$F"'),
    shell('unix2dos', 'unix2dos -q "$F"', 'CR LF', sees=None, leaves=('d2utmp*',)),
    shell('mv within the directory', 'cp "$T/new" "$F.x" && mv "$F.x" "$F"', leaves=('$N.x',)),
    shell('mv -f of a copy', 'cp "$F" "$F.x" && cat "$T/two" > "$F.x" && mv -f "$F.x" "$F"', 'two',
          leaves=('$N.x',)),
    shell('rm and write', 'rm "$F" && cat "$T/new" > "$F"', sees=None, needs='cat'),
    shell('truncate -s', 'truncate -s 4 "$F"', 'cut off'),
    shell('gio save', 'gio save "$F" < "$T/new"', leaves=('.goutputstream-*',)),
    shell('ex', 'vim -es -i NONE -c "%s/two/TWO/" -c wq "$F"', 'two'),
    vim('vim', SUB, 'wq'),
    vim('vim backupcopy=yes', 'set bkc=yes', SUB, 'wq'),
    vim('vim backup', 'set backup', SUB, 'wq', leaves=('$N~',)),
    vim('vim nowritebackup', 'set nowb', SUB, 'wq'),
    vim('vim nofsync', 'set nofs', SUB, 'wq', says='E512: Close failed'),
    vim('vim twice', SUB, 'w', '%s/three/three!/', 'wq', after='shouted', saves=('two', 'shouted')),
    vim('neovim', SUB, 'wq', program='nvim', says='E512: Close failed'),
    typed('nano', 'nano', '+$LINE', '$F', keys=b'zero \x0f\r\x18n', says='Error writing'),
    typed('nano -B', 'nano', '-B', '+$LINE', '$F', keys=b'zero \x0f\r\x18n', says='Error writing',
          leaves=('$N~',)),
    typed('nano twice', 'nano', '+$LINE', '$F', keys=b'zero \x0f\r\x01a \x0f\r\x18n',
          after='a zero', saves=('zero', 'a zero'), says='Error writing'),
    screen('micro', 'micro', '+$LINE', '$F', after='zero', answers=[
        ('three', b'zero \x13'), ('Saved', b'\x11'), ('sudo', b'n\x11n'), ('nvalid', b'\x11n')]),
    # These two say that it is saved.
    typed('joe', 'joe', '+$LINE', '$F', keys=b'zero \x0bx', sees=False, leaves=('$N~',)),
    screen('kak', 'kak', '-n', '$F', '-e', 'execute-keys %{%stwo<ret>cTWO<esc>}; write; quit',
           after='two', sees=False),
    typed('ne', 'ne', '+$LINE', '$F', keys=b'zero \x13\x11y', says='I/O error'),
    # That nothing is modified any more is a dash in its first line; a refusal asks for a name.
    screen('mcedit', 'mcedit', '$F:$LINE', after='zero', says='Save As', answers=[
        ('three', b'zero \x1b2\r'), ('-[^-]{1,60}zero one', b'\x1b0'),
        ('Save As', b'\x1b0\x1b0n')]),
    emacs('emacs', '(insert "zero ") SAVE', after='zero', leaves=EMACS_LEAVES),
    emacs('emacs with fsync', '(setq write-region-inhibit-fsync nil) (insert "zero ") SAVE',
          after='zero', leaves=EMACS_LEAVES),
    emacs('emacs twice', '(insert "zero ") SAVE (beginning-of-line) (insert "a ") SAVE',
          after='a zero', saves=('zero', 'a zero'), tries=('zero',), leaves=EMACS_LEAVES),
    emacs('emacs precious', '(setq file-precious-flag t) (insert "zero ") SAVE',
          after='zero', leaves=(*EMACS_LEAVES, 'tmp*')),
    shell('emacs --batch', 'emacs -Q --batch "$F" --eval \'(progn (search-forward "one\ntwo") '
          '(goto-char (match-beginning 0)) (insert "zero ") (save-buffer))\'', 'zero',
          leaves=('$N~',)),
    python('open w', 'with open(F, "w") as f: f.write(new)'),
    python('two writes',
           'with open(F, "w") as f:\n f.write(new[:5]); f.flush(); f.write(new[5:])'),
    python('open r+', 'with open(F, "r+") as f:\n f.seek(two); f.write("TWO")', 'two'),
    python('open a', 'with open(F, "a") as f: f.write("four\\n")', 'four'),
    python('read, then write', 's = open(F).read()\n'
           'with open(F, "w") as f: f.write(s.replace("two", "TWO"))', 'two'),
    python('pathlib', 'pathlib.Path(F).write_text(new)'),
    python('not closed', 'f = open(F, "w"); f.write(new)', sees=None),
    python('child', 'with open(F, "w") as f: subprocess.run(["cat", T + "/new"], stdout=f)'),
    python('fsync', 'with open(F, "w") as f: f.write(new); f.flush(); os.fsync(f.fileno())'),
    python('atomic', 't = tempfile.NamedTemporaryFile("w", dir=D, delete=False)\n'
           't.write(new); t.flush(); os.fsync(t.fileno()); t.close()\n'
           'os.replace(t.name, F)', leaves=('tmp*',)),
    python('mmap', 'with open(F, "r+b") as f, mmap.mmap(f.fileno(), 0) as m: '
           'm[two:two + 3] = b"TWO"', 'two', sees=None),
    python('mmap with msync', 'with open(F, "r+b") as f, mmap.mmap(f.fileno(), 0) as m:\n'
           ' m[two:two + 3] = b"TWO"; m.flush()', 'two'),
    python('truncate by path', 'os.truncate(F, 4)', 'cut off'),
    # Its caller would see it by commit(), which most do not look at.
    python('as QSaveFile', 'fd, tmp = tempfile.mkstemp(prefix=N + ".", dir=D)\n'
           'os.fchmod(fd, stat.S_IMODE(os.stat(F).st_mode)); os.write(fd, new.encode())\n'
           'os.fdatasync(fd); os.close(fd)\n'
           'try: os.rename(tmp, F)\n'
           'except OSError: os.unlink(tmp)', sees=False),
    python('as JetBrains', 'tmp, old = F + "___jb_tmp___", F + "___jb_old___"\n'
           'with open(tmp, "xb") as f: f.write(new.encode()); f.flush(); os.fsync(f.fileno())\n'
           'os.rename(F, old)\n'
           'try: os.rename(tmp, F)\n'
           'except OSError: os.rename(old, F); os.unlink(tmp); raise\n'
           'os.unlink(old)'),
    node('writeFileSync', 'fs.writeFileSync(f, text)'),
    node('promises', 'fs.promises.writeFile(f, text)'),
    node('flush', 'fs.writeFileSync(f, text, {flush: true})'),
    node('stream', 'const s = fs.createWriteStream(f); s.write(text.subarray(0, 5)); '
         's.end(text.subarray(5))'),
    node('appendFile', "fs.appendFileSync(f, 'four\\n')", 'four'),
    node('fsync', "const d = fs.openSync(f, 'w'); fs.writeSync(d, text); fs.fsyncSync(d); "
         'fs.closeSync(d)'),
    node('copyFile', "fs.copyFileSync(T + '/new', f)"),
    node('atomic', "fs.writeFileSync(f + '.tmp', text); fs.renameSync(f + '.tmp', f)",
         leaves=('$N.tmp',)),
    node('as VS Code', "const d = fs.openSync(f, 'r+'); fs.ftruncateSync(d, 0); "
         'fs.writeSync(d, text, 0, text.length, 0); fs.fdatasyncSync(d); fs.closeSync(d)'),
    node('as VS Code, atomic', "const t = f + '.vsctmp', d = fs.openSync(t, 'w'); "
         'fs.writeSync(d, text); fs.fdatasyncSync(d); fs.closeSync(d); '
         'try { fs.renameSync(t, f) } catch (e) { fs.unlinkSync(t); throw e }'),
    # Nothing to send.
    shell('touch', 'touch "$F"', 'same', saves=()),
    shell('touch -d', 'touch -d 2001-01-01 "$F"', 'same', saves=()),
    shell('chmod', 'chmod 644 "$F" && chmod 600 "$F"', 'same', saves=()),
    shell('chown', 'chown "$(id -u)" "$F"', 'same', saves=()),
    shell('cp of the same', 'cp "$T/same" "$F"', 'same', saves=()),
    shell('sed -i without a match', 'sed -i s/nothing/x/ "$F"', 'same', saves=()),
    shell('sort -o of what is sorted', 'sort -s -k 999 -o "$F" "$F"', 'same', saves=()),
    shell('dos2unix', 'dos2unix -q "$F"', 'same', saves=()),
    shell('rsync of the same', 'rsync -c "$T/same" "$F"', 'same', saves=()),
    shell('mv away and back', 'mv "$F" "$F.x" && mv "$F.x" "$F"', 'same', saves=()),
    vim('vim without a change', 'wq', after='same', saves=()),
    # Clearing, settled at the last close.
    shell(': >', 'sh -c \': > "$F"\'', 'nothing', sees=False),
    shell('truncate -s 0', 'truncate -s 0 "$F"', 'nothing', sees=False),
    shell('cp of an empty file', 'cp "$T/empty" "$F"', 'nothing', sees=False),
    shell('cp /dev/null', 'cp /dev/null "$F"', 'nothing', sees=False),
]


def prepare(folder, path, text):
    """$T; the environment of a program that saves the text in the file at path."""
    for name, edit in (('new', 'new'), ('two', 'two'), ('same', 'same'), ('empty', 'nothing')):
        (folder / name).write_bytes(EDITS[edit](text))
        # Of another time than the file has: rsync takes the same size and second for the same text.
        os.utime(folder / name, (SOURCE_TIME, SOURCE_TIME))
    new = EDITS['new'](text)
    old, two = ((EDITS[e](text).decode().splitlines(True)) for e in ('same', 'two'))
    (folder / 'two.diff').write_text(''.join(
        difflib.unified_diff(old, two, f'a/{path.name}', f'b/{path.name}')), encoding='utf-8')
    with tarfile.open(folder / 'new.tar', 'w') as tar:
        info = tarfile.TarInfo(path.name)
        info.size = len(new)
        tar.addfile(info, io.BytesIO(new))
    with zipfile.ZipFile(folder / 'new.zip', 'w') as archive:
        archive.writestr(path.name, new)
    lines = new.decode().splitlines()
    one = text.index(LINES)
    return {'PATH': os.environ['PATH'], 'HOME': str(folder), 'TERM': 'xterm', 'LC_ALL': 'C.UTF-8',
            'F': str(path), 'D': str(path.parent), 'T': str(folder), 'N': path.name,
            'NEW': '\n'.join(lines), 'HEAD': lines[0], 'BODY': '\n'.join(lines[1:-1]),
            'TAIL': lines[-1], 'ONE': str(one), 'LINE': str(text.count(b'\n', 0, one) + 1),
            'GIT_CEILING_DIRECTORIES': str(path.parents[1])}


def run(program, env):
    """Exit status and output; skips when the program is not there."""
    is_script = isinstance(program.command, str)
    needs = program.needs or (program.command.split() if is_script else program.command)[0]
    if not shutil.which(needs):
        pytest.skip(f'{needs} is not installed')
    if not is_script:
        argv = [string.Template(a).safe_substitute(F=env['F'], LINE=env['LINE'])
                if '$' in a else a for a in program.command]
        return terminal.run(argv, env, env['T'], program.answers)
    done = subprocess.run(['sh', '-c', program.command], env=env, cwd=env['T'], timeout=60,
                          stdin=subprocess.DEVNULL, capture_output=True, check=False)
    return done.returncode, (done.stdout + done.stderr).decode('utf-8', 'replace')


def is_its_own(program, name, file):
    """May a file by this name be left by the program, which saved the file?"""
    return any(fnmatch.fnmatchcase(name, pattern.replace('$N', file)) for pattern in program.leaves)


@dataclasses.dataclass
class Outcome:
    """What a run left behind, as the mount shows it."""
    text: bytes  # before
    status: int
    said: str
    after: bytes
    size: int
    came: set  # names in the directory
    gone: set
    error: str  # the attribute
    explained: str  # the directory's `.error`
    rejected: bytes  # what lies beside

    def strays(self, program, file):
        """What came that is not the program's business."""
        return {name for name in self.came if not is_its_own(program, name, file)}

    def told(self, program, number):
        """Did it notice? By its status, or in its own or the error number's words."""
        words = program.says or os.strerror(number)
        said = ' '.join(ESCAPES.sub(' ', self.said).split())
        return self.status != 0 or words.lower() in said.lower()


def names_beside(path):
    return lambda: set(os.listdir(path.parent))


def attempt(program, path, folder, is_settled, names):
    """Run it, and wait until what the file reads is settled; for a while, that is for a test. names()
    are those of the directory in which it is."""
    text, before = path.read_bytes(), names()
    folder.mkdir(parents=True)
    status, said = run(program, prepare(folder, path, text))
    wait_until(lambda: is_settled(text, read(path)) and before <= names())
    now = names()
    try:
        error = os.getxattr(path, 'user.storyfs.error').decode()
    except OSError:
        error = None
    after = read(path)
    return Outcome(text, status, said, after, path.stat().st_size if after is not None else None,
                   now - before, before - now, error,
                   (read(path.with_name('.error')) or b'').decode(),
                   read(path.with_name(path.name + '.rejected')))


def run_all(jobs, one):
    """{job: future of one(job)}, all of which are done, several at a time."""
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return {job: pool.submit(one, job) for job in jobs}


def selected(request):
    """The parameters of those tests of this module that will run, a dictionary each."""
    return [item.callspec.params for item in request.session.items
            if item.path == request.path and hasattr(item, 'callspec')]
