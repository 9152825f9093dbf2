// Elements made in one line. Text is always text: nothing that comes from the device is ever markup.

export const byId = (id) => document.getElementById(id);

export function make(tag, { text, ...properties } = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  if (text !== undefined) element.textContent = text;
  element.append(...children);
  return element;
}

export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export const words = (name) => name.replaceAll("_", " ");

export const percent = (share) => `${Math.round(share * 100)} %`;
