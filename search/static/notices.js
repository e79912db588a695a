// How many new cases match what this account watches, in the menu.  Fetched when the page stands, at most every two
// minutes: no page waits for it.
(async function () {
  "use strict";
  const links = document.querySelectorAll("a[href$='/watches']");
  const FRESH = 120000; // milliseconds
  const owner = document.querySelector(".account summary");
  const key = "kb-notices:" + (owner ? owner.textContent : "");

  function show(count) {
    for (const link of links) {
      const badge = document.createElement("span");
      badge.className = "tag done";
      badge.textContent = "新 " + count;
      if (count) link.append(" ", badge);
    }
    if (count && owner) owner.title = "关注的检索有 " + count + " 件新案例";
  }

  const kept = JSON.parse(sessionStorage.getItem(key) || "null");
  if (!links.length) return;
  if (kept && Date.now() - kept.at < FRESH && !location.pathname.includes("/watches")) return show(kept.count);
  try {
    const found = await window.kb.call("GET", "/api/v1/notices");
    sessionStorage.setItem(key, JSON.stringify({ at: Date.now(), count: found.new }));
    show(found.new);
  } catch (error) {
    // The menu is whole without the number.
  }
})();
