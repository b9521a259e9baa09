"""The nftables rules of our ports: port, MAC and address of each terminal, in sets that run out by themselves. Pure."""

from __future__ import annotations

from typing import Final

from auth8021x.enforce.plan import Plan
from auth8021x.wire import mac_address

TABLE: Final = "drumtower"
_TERMINALS: Final = f"bridge {TABLE} terminals"
_ADDRESSES: Final = f"bridge {TABLE} addresses"


def table(plan: Plan, timeout_s: int, *, checks_addresses: bool) -> str:
    """The whole table with nobody in it, instead of what is there; nft does all of a file or nothing."""
    ports = ", ".join(f'"{port.name}"' for port in plan)
    timeout = f"flags timeout; timeout {timeout_s}s;"
    return f"""add table bridge {TABLE}
delete table bridge {TABLE}
table bridge {TABLE} {{
  set terminals {{ type ifname . ether_addr; {timeout} }}
  set addresses {{ type ifname . ether_addr . ipv4_addr; {timeout} }}
  chain terminal {{
    {_DHCP_SERVER}
    {_BY_ADDRESS if checks_addresses else "accept"}
  }}
  chain from_ports {{
    type filter hook prerouting priority -300; policy accept;
    iifname != {{ {ports} }} accept
    iifname . ether saddr @terminals jump terminal
    counter drop
  }}
}}
"""


def contents(plan: Plan) -> str:
    """Everybody who is in, instead of what is in the sets; said again before the timeout, nobody is missed."""
    terminals = [f'"{port.name}" . {mac_address.plain(mac)}' for port in plan for mac in port.terminals]
    addresses = [
        f'"{port.name}" . {mac_address.plain(mac)} . {address}' for port in plan for mac, address in port.addresses
    ]
    return _replaced(_TERMINALS, terminals) + _replaced(_ADDRESSES, addresses)


def _replaced(name: str, elements: list[str]) -> str:
    added = f"add element {name} {{ {', '.join(elements)} }}\n" if elements else ""
    return f"flush set {name}\n{added}"


_BY_ADDRESS: Final = """ether type arp accept
    ether type ip ip saddr 0.0.0.0 udp sport 68 udp dport 67 accept
    iifname . ether saddr . ip saddr @addresses accept"""
"""ARP and the first words of DHCP (RFC 2131 4.1) tell us the address that counts from then on."""
_DHCP_SERVER: Final = "ether type ip udp sport 67 counter drop"
"""A terminal that plays the DHCP server would give others its addresses, which we would read on their ports."""
