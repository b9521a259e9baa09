// Icons that only the join page has, in the hand of the shared ones.

import { icon as shared } from "/static/js/icons.js";

const PATHS = {
  "video-off": "M3 7h6 M13 7h2v3l6-2.500v9l-2.500-1 M15 15v2H3V7 M4 4l16 16",
  "screen-off": "M8 5h13v11h-2 M15 16H3V5 M8 20h8 M12 16v4 M4 3l16 17",
  grid: "M4 5h7v6H4z M13 5h7v6h-7z M4 13h7v6H4z M13 13h7v6h-7z",
  speaker: "M4 5h16v9H4z M4 16.500h4.500v3H4z M9.750 16.500h4.500v3h-4.500z M15.500 16.500H20v3h-4.500z",
  lecture: "M4 5h16v14H4z M13 13h5v4h-5z",
  auto: "M4 5h16v14H4z M12 8.500l1 2.500 2.500 1-2.500 1-1 2.500-1-2.500-2.500-1 2.500-1z",
  volume: "M4 10v4h3l5 4V6l-5 4z M15.500 9a4 4 0 0 1 0 6 M18 6.500a8 8 0 0 1 0 11",
  host: "M5 18h14 M5 15l-1-8 5 3.500L12 5l3 5.500L20 7l-1 8z",
};

export function icon(name) {
  if (!(name in PATHS)) return shared(name);
  const svg = shared("check");
  svg.firstElementChild.setAttribute("d", PATHS[name]);
  return svg;
}
