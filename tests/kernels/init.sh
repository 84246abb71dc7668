#!/bin/busybox sh
# The first and only program that the guest's kernel starts: mounts what a system
# has, runs /run.sh, which writes the tests, and switches the machine off. Lines
# that begin with "@guest" are for the host, see _guest.ts.

export PATH=/usr/sbin:/usr/bin HOME=/root
/bin/busybox --install -s /usr/bin
mount -t devtmpfs none /dev
mkdir -p /dev/pts /dev/shm /proc /sys /run /tmp
mount -t proc none /proc
mount -t sysfs none /sys
mount -t devpts none /dev/pts
mount -t tmpfs none /dev/shm
mount -t tmpfs none /run
# The repository may lie there, and would be hidden.
[ -n "$(ls -A /tmp)" ] || mount -t tmpfs none /tmp
mount -t bpf none /sys/fs/bpf
mount -t cgroup2 none /sys/fs/cgroup
mount -t tracefs none /sys/kernel/tracing
mount -t securityfs none /sys/kernel/security
ln -s /proc/self/fd /dev/fd
exec </dev/console >/dev/console 2>&1
echo "@guest up $(uname -r) $(uname -m)"
for module in $(cat /modules/order); do
  insmod "/modules/$module.ko" || echo "@guest trouble no module $module"
done
ip link set lo up
. /run.sh
dmesg | grep -E "WARNING: CPU|BUG:|Oops|general protection" |
  sed 's/^/@guest trouble /'
echo "@guest down"
poweroff -f
