"""`drumtower doctor`: looks at everything the server needs, and says what to do about each finding."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from config.settings import Settings
from drumtower.checks.announcements import check_announcements
from drumtower.checks.capacity import check_capacity
from drumtower.checks.codecs import check_codecs, check_libraries
from drumtower.checks.dot1x import check_dot1x
from drumtower.checks.finding import Check, Finding, fail
from drumtower.checks.keys import check_certificate_dates, check_master_key, check_sip_certificate, check_tls_keys
from drumtower.checks.machine import check_clock, check_confinement, check_disk, check_fonts
from drumtower.checks.network import check_addresses, check_ports, check_ranges
from drumtower.checks.network_ports import check_network_ports
from drumtower.checks.radius import check_radius
from drumtower.checks.relay import check_relays
from drumtower.checks.storage import check_database
from drumtower.checks.terminals import check_digests, check_gatekeeper, check_h323_secrets

logger = logging.getLogger(__name__)

CHECKS: tuple[Check, ...] = (
    check_addresses, check_ports, check_ranges, check_relays,
    check_disk, check_clock, check_fonts, check_codecs, check_libraries, check_confinement, check_capacity,
    check_announcements,
    check_master_key, check_certificate_dates, check_sip_certificate, check_tls_keys,
    check_database, check_digests, check_gatekeeper, check_h323_secrets, check_dot1x,
    check_radius, check_network_ports,
)  # fmt: skip


def examine(settings: Settings, checks: tuple[Check, ...] = CHECKS) -> Iterator[Finding]:
    """Run the checks one after the other; one that breaks is a finding itself."""
    for check in checks:
        try:
            yield from check(settings)
        except Exception as error:  # the other checks still have something to say
            logger.exception("%s failed", check.__name__)
            yield fail(check.__name__.removeprefix("check_"), f"could not be checked: {error}", "please report this")
