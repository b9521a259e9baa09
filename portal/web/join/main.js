// Entry of the join page: texts first, then the elements that show them.

import { loadLanguage, t, useTexts } from "/static/js/i18n.js";

useTexts("/static/join/i18n");
await loadLanguage();
document.title = t("title");
await import("./app.js");
