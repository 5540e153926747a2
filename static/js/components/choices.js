/** The two things a person may set about a board: its theme, and the distance it is read from. Kept in this browser. */

function store(name, value) {
  document.documentElement.dataset[name] = value;
  try {
    localStorage.setItem(`ms5.${name}`, value);
  } catch {
    // A browser that refuses storage forgets the choice with the page.
  }
}

class ThemeToggle extends HTMLElement {
  connectedCallback() {
    const button = this.querySelector("button");
    const show = () => {
      button.setAttribute("aria-pressed", String(document.documentElement.dataset.theme === "dark"));
    };
    button.addEventListener("click", () => {
      store("theme", document.documentElement.dataset.theme === "dark" ? "light" : "dark");
      show();
    });
    this.hidden = false;
    show();
  }
}

class DistanceChoice extends HTMLElement {
  connectedCallback() {
    const chosen = document.documentElement.dataset.distance;
    for (const radio of this.querySelectorAll("input")) {
      radio.checked = radio.value === chosen;
      radio.addEventListener("change", () => store("distance", radio.value));
    }
    this.hidden = false;
  }
}

customElements.define("theme-toggle", ThemeToggle);
customElements.define("distance-choice", DistanceChoice);
