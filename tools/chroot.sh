#!/usr/bin/env bash
# Proves the promise of the README: on a fresh Debian 12, `make demo` and `make test` work, nothing prepared by hand.
#
#   tools/chroot.sh [demo] [test]      both when none is named; needs root, debootstrap, network
#
# Makes a clean bookworm (debootstrap, the mirror of this machine's own apt sources), adds `make` and `sudo` as a fresh install has
# them, puts the committed tree (HEAD) into it and the test data read-only beside it, then runs `make demo` as a plain user who may
# sudo and `make test` as root in a second copy. Logs: CHROOT_DIR/log.demo, log.test. The chroot is thrown away unless CHROOT_KEEP=1.
#
# CHROOT_DIR (/var/tmp/relance-chroot)   RELANCE_DATA (../shared/data)   CHROOT_JOBS: how many cores (all)
# TEST_SANITIZERS=no leaves out the half of the tests that runs under the sanitizers
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "chroot.sh: a chroot is made by root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "chroot.sh: install debootstrap" >&2; exit 1; }
[ $# -gt 0 ] || set -- demo test

if [ -z "${CHROOT_INSIDE:-}" ]; then # mounts and processes of its own: gone when this ends, whatever way
  CHROOT_INSIDE=1 exec unshare --mount --pid --fork --kill-child --propagation private -- "$0" "$@"
fi

dir=${CHROOT_DIR:-/var/tmp/relance-chroot}
root=$dir/root
data=$(realpath -m "${RELANCE_DATA:-../shared/data}")
mirror=$(awk '$1 == "URIs:" {print $2; exit} $1 == "deb" {for (i = 2; i <= NF; i++) if ($i ~ /:\/\//) {print $i; exit}}' \
  /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list 2>/dev/null || true)
[ -n "$mirror" ] || { echo "chroot.sh: no Debian mirror in this machine's apt sources" >&2; exit 1; }

mkdir -p "$dir"
rm -rf --one-file-system "$root"
echo "== debootstrap bookworm"
debootstrap --variant=minbase --include=make,sudo,ca-certificates bookworm "$root" "$mirror" >"$dir/log.debootstrap" 2>&1 ||
  { tail -5 "$dir/log.debootstrap" >&2; exit 1; }
rm -f "$root/etc/apt/sources.list"
cp /etc/apt/sources.list.d/debian.sources "$root/etc/apt/sources.list.d/" 2>/dev/null || cp /etc/apt/sources.list "$root/etc/apt/"
apt-config dump | grep -E '^Acquire::(Check|http|https|Retries)' >"$root/etc/apt/apt.conf.d/90machine" || true
cp -L /etc/resolv.conf "$root/etc/resolv.conf" 2>/dev/null || true
cp -L /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt" # a machine behind its own authority stays so
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d" && chmod 755 "$root/usr/sbin/policy-rc.d" # no services in a chroot

mount -t proc proc "$root/proc"
for d in null zero full random urandom tty; do
  touch "$root/dev/$d" 2>/dev/null || true
  mount --bind "/dev/$d" "$root/dev/$d"
done
mkdir -p "$root/dev/shm" "$root/dev/pts" && mount -t tmpfs tmpfs "$root/dev/shm" && mount -t devpts devpts "$root/dev/pts" -o newinstance,ptmxmode=0666
ln -sf pts/ptmx "$root/dev/ptmx"
chroot "$root" useradd --create-home --shell /bin/bash shop
echo 'shop ALL=(ALL) NOPASSWD: ALL' >"$root/etc/sudoers.d/shop"

place() { # HOME OWNER: the committed tree, and the data beside it
  mkdir -p "$root$1/relance" "$root$1/shared/data"
  git archive HEAD | tar -x -C "$root$1/relance"
  chroot "$root" chown -R "$2:" "$1/relance"
  [ ! -d "$data" ] || mount --bind -o ro "$data" "$root$1/shared/data"
}
run() { # USER HOME TARGET
  local log=$dir/log.$3 t0=$SECONDS status=0
  echo "== make $3, as $1"
  chroot "$root" env -i HOME="$2" USER="$1" LOGNAME="$1" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin TERM=dumb \
    ${CHROOT_JOBS:+JOBS=$CHROOT_JOBS} ${TEST_SANITIZERS:+TEST_SANITIZERS=$TEST_SANITIZERS} ${npm_config_registry:+npm_config_registry=$npm_config_registry} \
    setpriv --reuid="$1" --regid="$1" --init-groups bash -c "cd ~/relance && make $3" >"$log" 2>&1 </dev/null || status=$?
  tail -15 "$log"
  echo "== make $3: exit status $status after $((SECONDS - t0)) s; $log"
  return $status
}
failed=0
for target in "$@"; do
  case $target in
    demo) place /srv/shop shop && run shop /srv/shop demo || failed=1 ;;
    test) place /root root && run root /root test || failed=1 ;;
    *) echo "chroot.sh: demo or test, not $target" >&2; exit 2 ;;
  esac
done
umount -R "$root/proc" 2>/dev/null || true
for m in $(awk -v r="$root/" 'index($2, r) == 1 {print $2}' /proc/mounts | sort -r); do umount "$m" || true; done
[ -n "${CHROOT_KEEP:-}" ] || rm -rf --one-file-system "$root"
exit $failed
