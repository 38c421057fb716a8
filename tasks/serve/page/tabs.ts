/// <reference lib="dom" />
/** Tabs as the ARIA authoring practices describe them: one is in the tab order, arrow keys go to the others. @module */

/** Makes a `role="tablist"` work; its tabs name their panels by `aria-controls`. */
export function startTabs(list: Element, onChange: () => void): void {
  const tabs = [...list.querySelectorAll<HTMLElement>('[role="tab"]')];
  const select = (chosen: HTMLElement) => {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.ariaSelected = String(isChosen);
      tab.tabIndex = isChosen ? 0 : -1;
      document.getElementById(tab.getAttribute("aria-controls")!)!.hidden = !isChosen;
    }
    chosen.focus();
    onChange();
  };
  const steps: Readonly<Record<string, (i: number) => number>> = {
    ArrowRight: (i) => (i + 1) % tabs.length,
    ArrowLeft: (i) => (i + tabs.length - 1) % tabs.length,
    Home: () => 0,
    End: () => tabs.length - 1,
  };
  tabs.forEach((tab, i) => {
    tab.addEventListener("click", () => select(tab));
    tab.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (step === undefined) return;
      event.preventDefault();
      select(tabs[step(i)]);
    });
  });
}
