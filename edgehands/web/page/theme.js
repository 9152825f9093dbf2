// Dark or light: as the system says, unless somebody chose. Runs before the first paint.

(() => {
  const KEY = "edgehands-theme";
  const ORDER = ["auto", "light", "dark"];
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  let chosen = "auto";
  try {
    chosen = localStorage.getItem(KEY) ?? "auto";
  } catch {
    // Storage is switched off: the choice holds for this page.
  }

  function apply() {
    const effective = chosen === "auto" ? (dark.matches ? "dark" : "light") : chosen;
    document.documentElement.dataset.theme = effective;
    const button = document.getElementById("theme");
    if (button) {
      button.textContent = chosen[0].toUpperCase() + chosen.slice(1);
      button.ariaLabel = `Theme: ${chosen}`;
    }
    document.dispatchEvent(new Event("themechange"));
  }

  function next() {
    chosen = ORDER[(ORDER.indexOf(chosen) + 1) % ORDER.length];
    try {
      localStorage.setItem(KEY, chosen);
    } catch {
      // As above.
    }
    apply();
  }

  apply();
  dark.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme").addEventListener("click", next);
  });
})();
