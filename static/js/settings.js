/**
 * Theme and viewing distance, set before the first paint; a classic script on purpose, since modules wait for the page.
 */
(() => {
  const allowed = { theme: ["light", "dark"], distance: ["3", "5", "10"] };
  for (const [name, values] of Object.entries(allowed)) {
    let stored = null;
    try {
      stored = localStorage.getItem(`ms5.${name}`);
    } catch {
      // A browser that refuses storage shows the defaults.
    }
    if (values.includes(stored)) document.documentElement.dataset[name] = stored;
  }
})();
