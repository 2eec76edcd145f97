#!/bin/sh
# PID 1 of a box: lays its root over a cached one, mounts what a machine has, and starts its first program.
# Called by box.py inside namespaces of its own: box_init.sh ROOT WORK CHECKOUT COMMAND…
set -eu
root=$1 work=$2 checkout=$3
shift 3
here=$work/root

mount --make-rprivate /
mkdir -p "$here" "$work/upper" "$work/over" "$work/docker" "$work/old"
mount -t overlay overlay -o "lowerdir=$root,upperdir=$work/upper,workdir=$work/over" "$here"

mount -t proc proc "$here/proc"
mount -t sysfs sysfs "$here/sys"
mount -t tmpfs tmpfs "$here/run"
mount -t tmpfs tmpfs "$here/tmp"
mount -t tmpfs -o mode=755 tmpfs "$here/dev"
mkdir -p "$here/dev/pts" "$here/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$here/dev/pts"
mount -t tmpfs tmpfs "$here/dev/shm"
ln -s pts/ptmx "$here/dev/ptmx"
ln -s /proc/self/fd "$here/dev/fd"
for device in null:3 zero:5 full:7 random:8 urandom:9; do
    mknod -m 666 "$here/dev/${device%:*}" c 1 "${device#*:}"
done
mknod -m 666 "$here/dev/tty" c 5 0

# The same hierarchies as outside, each seen from this box's own group.
hierarchies=$(grep -E '^[^ ]+ [^ ]+ cgroup2? ' /proc/mounts)
mount -t tmpfs -o mode=755 tmpfs "$here/sys/fs/cgroup"
printf '%s\n' "$hierarchies" | while read -r _ at type options _; do
    inside=$here$at
    case $type in
        cgroup)
            mkdir -p "$inside"
            mount -t cgroup -o "$(printf %s "$options" | tr , '\n' |
                grep -v -e '^rw$' -e '^relatime$' -e '^no' -e '^xattr$' | paste -s -d ,)" cgroup "$inside"
            ;;
        cgroup2)
            mkdir -p "$inside"
            mount -t cgroup2 cgroup2 "$inside"
            ;;
    esac
done

mkdir -p "$here/var/lib/docker" "$here/repository" "$here/host"
mount --bind "$work/docker" "$here/var/lib/docker"
mount --bind -o ro "$checkout" "$here/repository"
mount --bind "$work/shared" "$here/host"
cat /etc/resolv.conf >"$here/etc/resolv.conf"
[ -e "$work/hosts" ] || cat /etc/hosts >"$here/etc/hosts" # a restarted machine has its own
touch "$work/hosts"
[ ! -d "$here/etc/ssl/certs" ] || cp /etc/ssl/certs/ca-certificates.crt "$here/etc/ssl/certs/"
hostname box

cd "$here"
pivot_root . "$here/host"
cd /
umount -l /host
exec "$@" </dev/null
