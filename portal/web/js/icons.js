// Line icons on a 24x24 grid, drawn with the colour of the text around them.

const NS = "http://www.w3.org/2000/svg";

const PATHS = {
  rooms: "M4 20V6l8-3 8 3v14 M4 20h16 M9 20v-5h6v5 M9 10h.01 M15 10h.01",
  film: "M4 5h16v14H4z M8 5v14 M16 5v14 M4 10h4 M4 14h4 M16 10h4 M16 14h4",
  plus: "M12 5v14 M5 12h14",
  lock: "M6 11h12v9H6z M8.500 11V8a3.500 3.500 0 0 1 7 0v3",
  unlock: "M6 11h12v9H6z M8.500 11V8a3.500 3.500 0 0 1 6.700-1.400",
  shield: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z M9 12l2 2 4-4",
  halfshield: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z",
  open: "M12 3l7 3v5c0 5-3 8-7 10-4-2-7-5-7-10V6z M5 4l14 16",
  mic: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3z M6 11a6 6 0 0 0 12 0 M12 17v4",
  "mic-off": "M9 9v2a3 3 0 0 0 4.500 2.600 M15 11V6a3 3 0 0 0-5.700-1.300 M6 11a6 6 0 0 0 9 5.200 M18 11c0 .7-.1 1.300-.3 2 M12 17v4 M4 4l16 16",
  video: "M3 7h12v10H3z M15 11l6-3v8l-6-3z",
  screen: "M3 5h18v11H3z M8 20h8 M12 16v4",
  remove: "M10 4H5v16h5 M14 8l4 4-4 4 M18 12H9",
  record: "M12 5a7 7 0 1 1 0 14a7 7 0 0 1 0-14z M12 9a3 3 0 1 1 0 6a3 3 0 0 1 0-6z",
  stop: "M7 7h10v10H7z",
  end: "M3.500 14c5-5 12-5 17 0l-2.500 2.500-3.500-1.500v-2.500a11 11 0 0 0-5 0V15L6 16.500z",
  edit: "M4 20h4L19 9l-4-4L4 16z M13 7l4 4",
  trash: "M5 7h14 M9 7V4h6v3 M7 7l1 13h8l1-13 M10 11v5 M14 11v5",
  copy: "M9 9h10v11H9z M5 15V4h10",
  check: "M5 12.500l4.500 4.500L19 7.500",
  key: "M8 11a4 4 0 1 1 0 8a4 4 0 0 1 0-8z M11 12l8-8 M16 7l3 3",
  alert: "M12 4l9 16H3z M12 10v4 M12 17h.01",
  clock: "M12 4a8 8 0 1 1 0 16a8 8 0 0 1 0-16z M12 8v4l3 2",
  people: "M9 5a3 3 0 1 1 0 6a3 3 0 0 1 0-6z M3 19c0-3 2.500-5 6-5s6 2 6 5 M16 5.500a3 3 0 0 1 0 5.500 M18 14.500c2 .7 3 2.300 3 4.500",
  out: "M10 4H5v16h5 M14 8l4 4-4 4 M18 12H9",
  globe: "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18z M3 12h18 M12 3c3 3 3 15 0 18 M12 3c-3 3-3 15 0 18",
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  up: "M5 15l7-7 7 7",
  down: "M5 9l7 7 7-7",
  minus: "M5 12h14",
  "screen-off": "M3 5h18v11H3z M8 20h8 M12 16v4 M4 3l16 16",
  close: "M6 6l12 12 M18 6L6 18",
  hand: "M8 13V6a1.300 1.300 0 0 1 2.600 0v5 M10.600 11V4.500a1.300 1.300 0 0 1 2.600 0V11 M13.200 11V5.500a1.300 1.300 0 0 1 2.600 0V12 M15.800 9.500a1.300 1.300 0 0 1 2.600 0V15a6 6 0 0 1-6 6c-2.500 0-4-1-5.200-3L4.500 14a1.300 1.300 0 0 1 2.100-1.500L8 14.500",
  phone: "M6 3h4l2 5-2.500 1.500a11 11 0 0 0 5 5L16 12l5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 4 5a2 2 0 0 1 2-2z",
  browser: "M3 5h18v14H3z M3 9h18 M6 7h.01 M9 7h.01",
  play: "M8 5l11 7-11 7z",
  star: "M12 4l2.500 5.200 5.700.700-4.200 3.900 1.100 5.600-5.100-2.800-5.100 2.800 1.100-5.600-4.200-3.900 5.700-.700z",
  host: "M5 18h14 M5 15l-1-8 5 3.500L12 5l3 5.500L20 7l-1 8z",
  message: "M4 5h16v11H9l-5 4z M8 9h8 M8 12h5",
  more: "M5 11a1 1 0 1 1 0 2a1 1 0 0 1 0-2z M12 11a1 1 0 1 1 0 2a1 1 0 0 1 0-2z M19 11a1 1 0 1 1 0 2a1 1 0 0 1 0-2z",
  settings: "M4 7h10 M18 7h2 M4 17h2 M10 17h10 M16 5v4 M8 15v4",
};

export function icon(name) {
  const svg = document.createElementNS(NS, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(NS, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
