/*
 * Small comforts for the staff desk. Every page works without this file; it keeps nothing in
 * storage and talks to nobody.
 */
"use strict";
{
  const openMenus = () => document.querySelectorAll("details.menu[open], details.filter[open]");

  // A menu closes when the click lands elsewhere, and on Escape, which gives the focus back.
  document.addEventListener("click", (event) => {
    for (const menu of openMenus()) {
      if (!menu.contains(event.target)) {
        menu.open = false;
      }
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") {
      return;
    }
    for (const menu of openMenus()) {
      const hadFocus = menu.contains(document.activeElement);
      menu.open = false;
      if (hadFocus) {
        menu.querySelector("summary").focus();
      }
    }
  });

  // "12 min late" grows old on a screen left open through the night: keep it true.
  const words = (minutes) => {
    const size = Math.abs(minutes);
    const days = Math.floor(size / 1440);
    const hours = Math.floor((size % 1440) / 60);
    if (days > 0) {
      return hours ? `${days} d ${hours} h` : `${days} d`;
    }
    return hours ? `${hours} h ${size % 60} min` : `${size} min`;
  };

  const tick = () => {
    for (const time of document.querySelectorAll("time[data-relative]")) {
      const minutes = Math.round((new Date(time.dateTime) - Date.now()) / 60000);
      if (Number.isNaN(minutes)) {
        continue;
      }
      const kind = time.dataset.relative;
      if (kind === "due") {
        time.textContent = minutes < 0 ? `${words(minutes)} late` : `in ${words(minutes)}`;
        time.classList.toggle("when-late", minutes < 0);
      } else {
        time.textContent = minutes < 0 ? `${words(minutes)} ago` : `in ${words(minutes)}`;
      }
    }
  };

  if (document.querySelector("time[data-relative]")) {
    setInterval(tick, 30000);
  }
}
