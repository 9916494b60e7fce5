"use strict";
// Says what a mark of a chart stands for while the pointer is on it; everybody else has the table below the chart.
(() => {
  const hint = document.createElement("div");
  hint.className = "hint";
  hint.hidden = true;
  hint.setAttribute("aria-hidden", "true");
  document.body.append(hint);
  const hide = () => { hint.hidden = true; };
  document.addEventListener("pointermove", (event) => {
    const chart = event.target.closest && event.target.closest("svg.drawn");
    const mark = chart && event.target.closest("[aria-label]");
    if (!mark || mark === chart || mark.getAttribute("role") !== "graphics-symbol" || mark.tagName === "g") return hide();
    hint.textContent = mark.getAttribute("aria-label");
    hint.hidden = false;
    const box = hint.getBoundingClientRect();
    hint.style.left = Math.max(4, Math.min(event.clientX + 12, innerWidth - box.width - 4)) + "px";
    hint.style.top = Math.max(4, event.clientY - box.height - 10) + "px";
  });
  document.addEventListener("scroll", hide, { passive: true });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") hide(); });
})();
