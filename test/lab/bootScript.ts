/**
 * What a node's machine does when it is switched on. Runs as the first program in the node's new namespaces; arguments:
 * host name, the lab's directory, the disk, its file system, then `job=folder` for each protected folder.
 * Nothing here is seen outside: the mounts are private, /run and /etc are the node's own.
 */
export const NODE_BOOT_SCRIPT = String.raw`
set -eu
host=$1 lab=$2 disk=$3 fstype=$4; shift 4

for namespaces in /run/mirrorpair-lab/*/ns; do umount -R -l "$namespaces" 2>/dev/null || true; done
printf '%s' "$host" > /proc/sys/kernel/hostname

# The lab's files stay reachable through descriptor 9 when /run is covered.
exec 9< "$lab"
from=/proc/self/fd/9
mount -t tmpfs -o mode=755,size=64m tmpfs /run
mkdir -p /run/storage /run/scratch /run/mirrorpair /run/lock
if id postgres >/dev/null 2>&1; then install -d -o postgres -g postgres -m 2775 /run/postgresql; fi
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
# Each start of a node is a start of its machine: whoever asks whether it was restarted must not see that of the host.
cat /proc/sys/kernel/random/uuid > /run/boot_id
mount --bind /run/boot_id /proc/sys/kernel/random/boot_id
umount -R -l /sys
mount -t sysfs sysfs /sys
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mount -t "$fstype" "$disk" /run/storage

if [ ! -d /run/storage/etc ]; then
  cp -a /etc /run/storage/etc.new
  mv /run/storage/etc.new /run/storage/etc
fi
mount --bind /run/storage/etc /etc

# A folder that this machine does not have gets its place in an overlay above it, so that nothing is made on the machine.
covered=
place() {
  above=$1
  while [ ! -d "$above" ]; do above=$(dirname "$above"); done
  if [ "$above" != "$1" ]; then
    case " $covered " in *" $above "*) ;; *)
      [ "$above" != / ] || { echo "the folder $1 has no existing directory above it" >&2; exit 1; }
      scratch=$(mktemp -d /run/scratch/XXXXXX)
      mkdir "$scratch/upper" "$scratch/work"
      chmod --reference="$above" "$scratch/upper"
      mount -t overlay overlay -o "lowerdir=$above,upperdir=$scratch/upper,workdir=$scratch/work" "$above"
      covered="$covered $above"
    esac
    mkdir -p "$1"
    step=$1
    while [ "$step" != "$above" ]; do covered="$covered $step"; step=$(dirname "$step"); done
  fi
}
attach() {
  mkdir -p "/run/storage/$1"
  place "$2"
  mount --bind "/run/storage/$1" "$2"
}
attach mirrorpair /var/lib/mirrorpair
for entry in "$@"; do attach "folders/$(printf '%s' "$entry" | tr '/' '_')" "/${'$'}{entry#*=/}"; done

if [ ! -e /etc/mirrorpair/mirrorpair.yaml ]; then
  printf '%s\n' "$host" > /etc/hostname
  cat "$from/hosts" >> /etc/hosts
  getent group mirrorpair >/dev/null || groupadd --system mirrorpair
  getent passwd administrator >/dev/null || useradd --no-create-home --shell /bin/sh administrator
  usermod -a -G mirrorpair administrator
  printf 'administrator:%s\n' "$(cat "$from/password")" | chpasswd -c SHA512
  printf 'auth required pam_unix.so nodelay\naccount required pam_unix.so\n' > /etc/pam.d/mirrorpair
  cp -a "$from/certificates/$host/." /var/lib/mirrorpair/
  mkdir -p /etc/mirrorpair
  cp "$from/mirrorpair.yaml" /etc/mirrorpair/mirrorpair.yaml
  sync -f /run/storage
fi
`

/** On the witness's own disk. */
export const WITNESS_DIRECTORY = '/run/storage/witness'

/** As a node's, with nothing but its disk; arguments: host name, the lab's directory, the disk, its file system. */
export const WITNESS_BOOT_SCRIPT = `
set -eu
host=$1 lab=$2 disk=$3 fstype=$4
for namespaces in /run/mirrorpair-lab/*/ns; do umount -R -l "$namespaces" 2>/dev/null || true; done
printf '%s' "$host" > /proc/sys/kernel/hostname
exec 9< "$lab"
mount -t tmpfs -o mode=755,size=16m tmpfs /run
mkdir /run/storage
mount -t "$fstype" "$disk" /run/storage
if [ ! -d ${WITNESS_DIRECTORY} ]; then
  cp -a /proc/self/fd/9/certificates/witness ${WITNESS_DIRECTORY}.new
  mv ${WITNESS_DIRECTORY}.new ${WITNESS_DIRECTORY}
  sync -f /run/storage
fi
`

/** The client, and a witness that the pair does not have, have no disk: a name and a network are enough. */
export const HOST_BOOT_SCRIPT = `
set -eu
printf '%s' "$1" > /proc/sys/kernel/hostname
`
