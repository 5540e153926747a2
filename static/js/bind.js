/**
 * Text into the places that the server's templates left for it.
 *
 * A scope is an element with `data-scope`; a place in it is an element with `data-f`, named after a field of the
 * drawing. Nothing is written that is already there, so an idle board costs no layout.
 */

const places = new WeakMap();

function placesOf(scope) {
  let found = places.get(scope);
  if (!found) {
    found = [...scope.querySelectorAll("[data-f]")].filter(
      (element) => element.parentElement.closest("[data-scope]") === scope,
    );
    places.set(scope, found);
  }
  return found;
}

/**
 * @param {Element} scope
 * @param {object} drawing
 */
export function fill(scope, drawing) {
  for (const place of placesOf(scope)) write(place, drawing[place.dataset.f]);
}

/** Set the text of an element, if it is another. */
export function write(element, text) {
  if (element.textContent !== String(text)) element.textContent = text;
}

/** Set an attribute, if it is another; false and null take it away, true leaves it empty. */
export function mark(element, name, value) {
  if (value === false || value === null) {
    if (element.hasAttribute(name)) element.removeAttribute(name);
    return;
  }
  const text = value === true ? "" : String(value);
  if (element.getAttribute(name) !== text) element.setAttribute(name, text);
}
