#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A Debian 12 root with nothing in it, for bare-root-test and package-test, which source this.

# die WORDS...: a line each, with the script's name.
die() {
	printf "$(basename "$0"): %s\n" "$@" >&2
	exit 1
}

# timed WORDS COMMAND...: run, and say how long it took.
timed() {
	local words=$1 start=$SECONDS status=0
	shift
	printf '\n== %s\n' "$words"
	"$@" || status=$?
	printf '== %s: status %d after %d s\n' "$words" "$status" "$((SECONDS - start))"
	return "$status"
}

# What making a root wants of the machine.
ready_bare_root() {
	[[ $EUID -eq 0 ]] || die "debootstrap and chroot want root: sudo $0"
	[[ -e /dev/fuse ]] || die "there is no /dev/fuse; run: modprobe fuse"
	command -v debootstrap >/dev/null && return
	echo "installing debootstrap"
	{ apt-get -qq update && apt-get -qq -y --no-install-recommends install debootstrap; } \
		>/dev/null || die "apt-get could not install debootstrap"
}

# The Debian archives that this machine's apt uses: URI, suite and component, one a line.
archives() {
	local found
	# shellcheck disable=SC2016 # apt's own variables
	found=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' \
		'Created-By: Packages' | grep -E ' bookworm(-updates|-security)? main$' | sort -u) || true
	[[ $found ]] || found='http://deb.debian.org/debian bookworm main'
	printf '%s\n' "$found"
}

# make_bare_root ROOT PACKAGES: with these packages (a,b) and this machine's mirror and proxy.
make_bare_root() {
	local root=$1 include=$2 mirror
	mirror=$(archives | sed -n 's/ bookworm main$//p' | head -n 1)
	[[ $mirror ]] || mirror=http://deb.debian.org/debian
	# A https mirror cannot be read without certificates; otherwise the demo has to bring them.
	[[ $mirror != https:* ]] || include+=,ca-certificates
	debootstrap --variant=minbase --include="$include" bookworm "$root" "$mirror" \
		>"$root.log" 2>&1 || {
		tail -n 20 "$root.log"
		return 1
	}
	archives | sed 's/^/deb /' >"$root/etc/apt/sources.list"
	apt-config dump | grep -iE '^Acquire::(http|https)::(Proxy|CAInfo|Timeout)' \
		>"$root/etc/apt/apt.conf.d/90host" || true
	cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
}

# add_source ROOT: what is committed here, as a bundle for git clone.
add_source() {
	local top
	top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
	git -C "$top" -c safe.directory="$top" diff --quiet HEAD ||
		echo "note: only what is committed is tested; there are changes beside"
	git -C "$top" -c safe.directory="$top" bundle create -q "$1/var/tmp/storyfs.bundle" HEAD
	chmod 644 "$1/var/tmp/storyfs.bundle"
}

# mount_devices ROOT: /proc, /tmp and a /dev as udev would make it, in the caller's mount namespace.
mount_devices() {
	local root=$1 name major minor device
	mount -t proc proc "$root/proc"
	mount -t tmpfs tmpfs "$root/tmp"
	mount -t tmpfs -o mode=755 tmpfs "$root/dev"
	mkdir "$root/dev/pts" "$root/dev/shm"
	mount -t devpts -o newinstance,ptmxmode=666,mode=620,gid=5 devpts "$root/dev/pts"
	mount -t tmpfs tmpfs "$root/dev/shm"
	ln -s pts/ptmx "$root/dev/ptmx"
	ln -s /proc/self/fd "$root/dev/fd"
	ln -s /proc/self/fd/0 "$root/dev/stdin"
	ln -s /proc/self/fd/1 "$root/dev/stdout"
	ln -s /proc/self/fd/2 "$root/dev/stderr"
	for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0" "fuse 10 229"; do
		read -r name major minor <<<"$device"
		mknod -m 666 "$root/dev/$name" c "$major" "$minor"
	done
}
