// The pages of the console, in the order of the menu: address, right, element and the module that defines it. A page
// without `title` is not in the menu; `section` is the page whose place in the menu it belongs to.

import "./pages/not-found.js";
import "./pages/sign-in.js";

const PAGES = [
  { path: /^\/rooms\/?$/, href: "/rooms", title: "nav.rooms", icon: "rooms", right: "see-rooms", element: "dt-rooms", load: () => import("./pages/rooms.js") },
  { path: /^\/rooms\/(\d{1,12})$/, section: "/rooms", right: "see-rooms", element: "dt-live-room", load: () => import("./pages/live-room.js") },
  { path: /^\/terminals\/?$/, href: "/terminals", title: "nav.terminals", icon: "phone", right: "see-terminals", element: "dt-terminals", load: () => import("./pages/terminals.js") },
  { path: /^\/network\/?$/, href: "/network", title: "nav.network", icon: "shield", right: "control-network", element: "dt-network", load: () => import("./pages/network.js") },
  { path: /^\/recordings\/?$/, href: "/recordings", title: "nav.recordings", icon: "film", right: "review-recordings", element: "dt-recordings", load: () => import("./pages/recordings.js") },
  { path: /^\/recordings\/([\w-]{1,64})$/, section: "/recordings", right: "review-recordings", element: "dt-recording", load: () => import("./pages/recording.js") },
];
// These two are here from the start: nobody is kept looking at what is not theirs any more.
const SIGN_IN = { element: "dt-sign-in" };
const NOT_FOUND = { element: "dt-not-found" };

/** What somebody with these rights finds in the menu; the first of it is what "/" shows. */
export function menuOf(rights) {
  return PAGES.filter((page) => page.title && rights.includes(page.right));
}

/** The page at an address with the words of the address that it needs, for who is signed in (null for nobody). */
export function pageAt(path, session) {
  if (!session || session.must_change) return { page: SIGN_IN };
  const [home] = menuOf(session.rights);
  if (path === "/" && home) return { page: home };
  for (const page of PAGES) {
    const match = page.path.exec(path);
    if (match) return session.rights.includes(page.right) ? { page, argument: match[1] } : { page: NOT_FOUND, isForbidden: true };
  }
  return { page: NOT_FOUND, isForbidden: path === "/" };
}

/** An element of the page, once its module is here. */
export async function elementOf(page) {
  await page.load?.();
  return document.createElement(page.element);
}
