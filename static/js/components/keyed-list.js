/**
 * A list that keeps the element of each row: rows move, come and go, and nothing else is touched.
 *
 * A subclass says what a row's key is and how it is painted. New rows are copies of the `<template>` named by the
 * attribute `template`, which the server made from the same file as the rows it drew.
 */

export class KeyedList extends HTMLElement {
  /** @returns {string} */
  keyOf(_row) {
    throw new Error("a list says what the key of a row is");
  }

  paint(_element, _row) {
    throw new Error("a list says how a row is painted");
  }

  set rows(rows) {
    const list = this.querySelector("[data-rows]");
    const present = new Map([...list.children].map((element) => [element.dataset.key, element]));
    let place = list.firstElementChild;
    for (const row of rows) {
      const key = String(this.keyOf(row));
      const element = present.get(key) ?? this.#fresh(key);
      present.delete(key);
      this.paint(element, row);
      if (element === place) place = place.nextElementSibling;
      else list.insertBefore(element, place);
    }
    for (const gone of present.values()) gone.remove();
  }

  #fresh(key) {
    const template = document.getElementById(this.getAttribute("template"));
    const element = template.content.firstElementChild.cloneNode(true);
    element.dataset.key = key;
    return element;
  }
}
