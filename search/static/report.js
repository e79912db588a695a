// Prints the report: by its button, and by itself where the address says print=1.
(function () {
  "use strict";
  const button = document.querySelector("[data-print]");
  button.hidden = false;
  button.addEventListener("click", () => window.print());
  if (new URLSearchParams(location.search).get("print") === "1") window.print();
})();
