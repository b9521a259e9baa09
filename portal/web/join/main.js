// Entry of the join page: texts first, then the elements that show them.

import { loadLanguage } from "./i18n.js";

await loadLanguage();
await import("./app.js");
