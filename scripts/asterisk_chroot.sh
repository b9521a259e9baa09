#!/bin/sh
# Puts Asterisk, which bookworm has not, into a chroot of bullseye's packages, for the benchmark peers-audio. As root.
set -eu
root="${ASTERISK_CHROOT:-/var/lib/drumtower-bench/asterisk}"
[ -x "$root/usr/sbin/asterisk" ] && { echo "== asterisk: in $root"; exit 0; }
command -v debootstrap >/dev/null 2>&1 || { echo "== asterisk: debootstrap is missing" >&2; exit 1; }
mirror=$(sed -n 's|^URIs: *\(http[^ ]*/debian\)/*$|\1|p; s|^deb  *\(http[^ ]*/debian\)/* .*|\1|p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
echo "== asterisk: installing into $root"
mkdir -p "$root"
debootstrap --variant=minbase bullseye "$root" "${mirror:-http://deb.debian.org/debian}" >/dev/null
# Nothing in the chroot may be started as a service.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
DEBIAN_FRONTEND=noninteractive chroot "$root" apt-get install -y -qq --no-install-recommends \
    asterisk asterisk-modules asterisk-opus >/dev/null
