#!/bin/sh
# Installs the programs that the tests talk to, from Debian's packages. As root it does so itself; otherwise it says how.
set -eu
packages="chromium baresip-core baresip-ffmpeg sip-tester linphone-cli tshark ffmpeg iproute2 nftables fonts-noto-cjk fonts-dejavu-core procps strace openssl postgresql kamailio coturn debootstrap freeradius freeradius-utils wpasupplicant eapoltest hostapd"

missing=""
for package in $packages; do
    dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "== peers: all installed"
    [ "$(id -u)" = 0 ] || exit 0
    scripts/asterisk_h323_chroot.sh
    exit 0
fi

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "== peers: installing$missing"
    export DEBIAN_FRONTEND=noninteractive
    # Tests start a PostgreSQL of their own; a new package must not start one for the whole machine.
    if [ ! -e /etc/postgresql-common/createcluster.conf ]; then
        mkdir -p /etc/postgresql-common
        echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.conf
    fi
    # Nor may the servers that tests run for themselves (kamailio and the like) be started as services.
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
    fi
    # coturn's package enables its service for the next start of the machine; this is what `systemctl mask` does.
    case "$missing" in *coturn*)
        mkdir -p /etc/systemd/system
        [ -e /etc/systemd/system/coturn.service ] || ln -s /dev/null /etc/systemd/system/coturn.service ;;
    esac
    apt-get update -qq
    # shellcheck disable=SC2086
    apt-get install -y -qq --no-install-recommends $missing >/dev/null
    scripts/asterisk_h323_chroot.sh
    exit 0
fi
echo "== peers: missing; tests that need them are skipped. To run them all:" >&2
echo "   sudo apt-get install --no-install-recommends$missing" >&2
