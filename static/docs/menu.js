// On a desk the menu stands open beside the text and scrolls by itself, to the page that is read.

const MENU = document.querySelector("nav");
if (matchMedia("(min-width: 60rem)").matches) {
  MENU.querySelector("details").open = true;
  const current = MENU.querySelector("[aria-current]");
  if (current) MENU.scrollTop = current.offsetTop - MENU.offsetTop - MENU.clientHeight / 2;
}
