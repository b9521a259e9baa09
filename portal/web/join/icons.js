// Icons that only the join page has, in the hand of the shared ones.

import { icon as shared } from "/static/js/icons.js";

const PATHS = {
  "video-off": "M3 7h6 M13 7h2v3l6-2.500v9l-2.500-1 M15 15v2H3V7 M4 4l16 16",
  "screen-off": "M8 5h13v11h-2 M15 16H3V5 M8 20h8 M12 16v4 M4 3l16 17",
  grid: "M4 5h7v6H4z M13 5h7v6h-7z M4 13h7v6H4z M13 13h7v6h-7z",
  speaker: "M4 5h16v9H4z M4 16.500h4.500v3H4z M9.750 16.500h4.500v3h-4.500z M15.500 16.500H20v3h-4.500z",
  lecture: "M4 5h16v14H4z M13 13h5v4h-5z",
  auto: "M4 5h16v14H4z M12 8.500l1 2.500 2.500 1-2.500 1-1 2.500-1-2.500-2.500-1 2.500-1z",
  "star-off": "M12 4l2.500 5.200 5.700.700-4.200 3.900 1.100 5.600-5.100-2.800-5.100 2.800 1.100-5.600-4.200-3.900 5.700-.700z M4 3l16 18",
  guest: "M12 5a3.500 3.500 0 1 1 0 7a3.500 3.500 0 0 1 0-7z M5 20c0-4 3-6 7-6s7 2 7 6",
  volume: "M4 10v4h3l5 4V6l-5 4z M15.500 9a4 4 0 0 1 0 6 M18 6.500a8 8 0 0 1 0 11",
};

export function icon(name) {
  if (!(name in PATHS)) return shared(name);
  const svg = shared("check");
  svg.firstElementChild.setAttribute("d", PATHS[name]);
  return svg;
}
