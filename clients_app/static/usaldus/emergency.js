// Counts down how long an emergency access is still open. Without it the banner says until when.
"use strict";
(function () {
  const shown = document.querySelectorAll("[data-until]");

  function tick() {
    shown.forEach((place) => {
      const left = Math.floor((new Date(place.dataset.until) - Date.now()) / 1000);
      place.textContent =
        left > 0
          ? Math.floor(left / 60) + ":" + String(left % 60).padStart(2, "0")
          : place.dataset.over;
    });
  }

  tick();
  window.setInterval(tick, 1000);
})();
