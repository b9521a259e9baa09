#!/bin/sh
# Installs what the benchmarks measure against, from Debian's packages. As root it does so itself; otherwise it says how.
set -eu
packages="ffmpeg gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav gcc libc6-dev libopus-dev libsrtp2-dev janus debootstrap"

missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && { echo "== benchmarks: all installed"; [ "$(id -u)" = 0 ] || exit 0; scripts/asterisk_chroot.sh || true; exit 0; }

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "== benchmarks: installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    # Nothing that is installed here may be started as a service of this machine.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
    # The package of Janus enables its service for the next start of the machine; this is what `systemctl mask` does.
    case "$missing" in *janus*)
        rm -f /etc/systemd/system/multi-user.target.wants/janus.service
        ln -sf /dev/null /etc/systemd/system/janus.service ;;
    esac
    # Without Asterisk its rows are void, the others are not.
    scripts/asterisk_chroot.sh || echo "== benchmarks: Asterisk could not be installed" >&2
    exit 0
fi
echo "== benchmarks: missing; those that need them are void. To run them all:" >&2
echo "   sudo apt-get install --no-install-recommends$missing" >&2
