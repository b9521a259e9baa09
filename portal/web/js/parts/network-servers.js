// RADIUS servers that we ask, clients that ask us, and whom of them an administrator excuses from Message-Authenticator.

import { h } from "../dom.js";
import { t } from "../i18n.js";
import { badge, cell, code, rowHead, small, tableCard } from "./network-table.js";
import { notice } from "./page.js";

/** Everybody who is excused. */
export function excusedNames(servers, clients) {
  return [...servers, ...clients].filter((peer) => peer.is_excused).map((peer) => peer.name);
}

/** A warning that names them; null where there are none. */
export function excusedNotice(servers, clients) {
  const names = excusedNames(servers, clients);
  if (names.length === 0) return null;
  return notice("warn", "alert", h("p", {}, h("strong", {}, t("network.excused.title", { names: names.join(", ") }))),
    h("p", {}, t("network.excused.text")));
}

/** A card with a row for each RADIUS server; null where there are none. */
export function serversCard(servers) {
  if (servers.length === 0) return null;
  const heads = ["network.server", "network.server.address", "network.health"];
  return tableCard("key", t("network.servers"), heads, servers.map((server) => h("tr", {},
    rowHead(server.name, ...excuse(server, "network.excused.answers")),
    cell("network.server.address", code(server.address), server.transport === "radsec" && small("RadSec")),
    cell("network.health", badge(server.is_up ? "good" : "bad", t(server.is_up ? "network.health.up" : "network.health.down")),
      !server.is_up && small(t("network.health.down.text")),
      !server.is_accounting_up && small(t("network.health.accounting"))))));
}

/** A card with a row for each client of ours; null where there are none. */
export function clientsCard(clients) {
  if (clients.length === 0) return null;
  const heads = ["network.client", "network.client.networks", "network.client.kind"];
  return tableCard("settings", t("network.clients"), heads, clients.map((client) => h("tr", {},
    rowHead(client.name, ...excuse(client, `network.excused.${client.kind}`)),
    cell("network.client.networks", ...client.networks.map(code)),
    cell("network.client.kind", h("span", {}, t(`network.client.${client.kind}`))))));
}

function excuse(peer, key) {
  if (!peer.is_excused) return [];
  return [badge("warn", t("network.excused"), "alert"), small(t(key, { count: peer.excused }))];
}
