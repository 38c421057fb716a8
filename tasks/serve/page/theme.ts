/// <reference lib="dom" />
/**
 * Light or dark: as the system has it, until somebody chooses. A classic script without imports, run before the page is painted, so that
 * nothing flashes. Who draws with colours listens to the document's event "theme".
 */
{
  const system = matchMedia("(prefers-color-scheme: dark)");

  /** What was chosen; null where nothing was, or where the browser keeps nothing for this page. */
  const chosen = (): string | null => {
    try {
      return localStorage.getItem("voxgrad-theme");
    } catch {
      return null;
    }
  };

  const keep = (theme: string): void => {
    try {
      localStorage.setItem("voxgrad-theme", theme);
    } catch {
      // it holds for this visit
    }
  };

  const show = (theme: string): void => {
    document.documentElement.dataset.theme = theme;
    document.getElementById("theme")?.setAttribute("aria-pressed", String(theme === "dark"));
    document.dispatchEvent(new Event("theme"));
  };

  const wanted = () => chosen() ?? (system.matches ? "dark" : "light");
  show(wanted());
  system.addEventListener("change", () => show(wanted()));
  document.addEventListener("DOMContentLoaded", () => {
    show(wanted());
    document.getElementById("theme")?.addEventListener("click", () => {
      const theme = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      keep(theme);
      show(theme);
    });
  });
}
