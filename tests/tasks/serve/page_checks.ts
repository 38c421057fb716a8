/// <reference lib="dom" />
/** Measures of a page that hold whatever it shows. @module */
import type { Page } from "./chromium.ts";

/** Text that is hard to read. */
export interface Faint {
  readonly text: string;
  /** Contrast ratio, 1 to 21. */
  readonly ratio: number;
}

/**
 * Visible texts whose contrast with what is behind them is below WCAG 2.2's AA: 4.5, and 3 for large ones (success criterion 1.4.3).
 * Disabled controls are exempt.
 */
export async function faintTexts(page: Page): Promise<{ readonly faint: Faint[]; readonly measured: number }> {
  return await page.evaluate(() => {
    type Rgba = [number, number, number, number];
    const parse = (text: string): Rgba => {
      const [r, g, b, a = 1] = text.match(/[\d.]+/g)!.map(Number);
      return [r, g, b, a];
    };
    const over = ([r, g, b, a]: Rgba, under: Rgba): Rgba => {
      const mix = (x: number, y: number) => x * a + y * (1 - a);
      return [mix(r, under[0]), mix(g, under[1]), mix(b, under[2]), 1];
    };
    const behind = (element: Element | null): Rgba =>
      element === null
        ? [255, 255, 255, 1]
        : over(parse(getComputedStyle(element).backgroundColor), behind(element.parentElement));
    const luminance = ([r, g, b]: Rgba) => {
      const linear = [r, g, b].map((x) => x / 255).map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
      return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
    };
    const faint: { text: string; ratio: number }[] = [];
    let measured = 0;
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) {
      const element = node.parentElement!;
      const text = node.textContent!.trim();
      const isShown = element.checkVisibility({ visibilityProperty: true }) &&
        element.getBoundingClientRect().width > 1;
      if (text === "" || !isShown || element.closest(":disabled, option, script") !== null) continue;
      measured++;
      const style = getComputedStyle(element);
      const ground = behind(element instanceof SVGElement ? element.closest("svg")!.parentElement : element);
      const colour = over(parse(element instanceof SVGElement ? style.fill : style.color), ground);
      const [high, low] = [luminance(colour), luminance(ground)].sort((a, b) => b - a);
      const ratio = (high + 0.05) / (low + 0.05);
      const size = parseFloat(style.fontSize),
        isLarge = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
      if (ratio < (isLarge ? 3 : 4.5)) faint.push({ text, ratio });
    }
    return { faint, measured };
  });
}

/** What is wider than the window or reaches over its right edge; clipped texts do not count. */
export async function overflowing(page: Page): Promise<string[]> {
  return await page.evaluate(() => {
    const edge = document.documentElement.clientWidth;
    const wide = [...document.querySelectorAll("body *")].filter((element) =>
      element.checkVisibility() && element.getBoundingClientRect().right > edge + 0.5 &&
      element.closest(".visually-hidden") === null
    );
    const names = wide.map((element) => `${element.tagName}#${element.id}.${element.getAttribute("class")}`);
    return document.documentElement.scrollWidth > edge ? ["the page", ...names] : names;
  });
}

/** Whether the element that has the focus shows it. */
export async function showsFocus(page: Page): Promise<boolean> {
  return await page.evaluate(() => {
    const element = document.activeElement!;
    const { outlineStyle, outlineWidth } = getComputedStyle(element);
    return element.matches(":focus-visible") && outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
  });
}

/** Controls that have no name for those who hear the page. */
export async function nameless(page: Page): Promise<string[]> {
  const snapshot = await page.locator("body").ariaSnapshot();
  return snapshot.split("\n").filter((line) =>
    /^\s*- (button|textbox|combobox|switch|tab|img|progressbar|link)(:|\s*$| \[)/.test(line)
  );
}

/** Sum of the layout shifts that nobody caused, from the beginning (https://web.dev/cls). */
export async function layoutShift(page: Page): Promise<number> {
  return await page.evaluate(() =>
    new Promise<number>((resolve) => {
      const seen = (list: { getEntries(): PerformanceEntryList }) => {
        const shifts = list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[];
        return shifts.reduce((sum, { value, hadRecentInput }) => sum + (hadRecentInput ? 0 : value), 0);
      };
      const observer = new PerformanceObserver((list) => resolve(seen(list)));
      observer.observe({ type: "layout-shift", buffered: true });
      setTimeout(() => resolve(0), 300);
    })
  );
}
