#!/bin/sh
# Puts Asterisk with chan_ooh323, an H.323 terminal that bookworm has not, into a chroot of bullseye's packages. As root.
set -eu
root="${ASTERISK_H323_CHROOT:-/var/lib/drumtower-peers/asterisk-h323}"
[ -x "$root/usr/sbin/asterisk" ] && { echo "== asterisk with H.323: in $root"; exit 0; }
command -v debootstrap >/dev/null 2>&1 || { echo "== asterisk with H.323: debootstrap is missing" >&2; exit 1; }
mirror=$(sed -n 's|^URIs: *\(http[^ ]*/debian\)/*$|\1|p; s|^deb  *\(http[^ ]*/debian\)/* .*|\1|p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -n 1)
echo "== asterisk with H.323: installing into $root"
# What was cut off is done again from the start, and nobody sees half of it.
part="$root.part"
rm -rf "$part"
mkdir -p "$part"
debootstrap --variant=minbase bullseye "$part" "${mirror:-http://deb.debian.org/debian}" >/dev/null
# Nothing in the chroot may be started as a service.
printf '#!/bin/sh\nexit 101\n' >"$part/usr/sbin/policy-rc.d"
chmod 755 "$part/usr/sbin/policy-rc.d"
DEBIAN_FRONTEND=noninteractive chroot "$part" apt-get install -y -qq --no-install-recommends \
    asterisk asterisk-ooh323 >/dev/null
chroot "$part" apt-get clean
mv "$part" "$root"
