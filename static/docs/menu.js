// On a desk the menu scrolls by itself: where the page that is read would be out of sight in it, it is brought into it.

const MENU = document.querySelector("nav");
const CURRENT = MENU.querySelector("[aria-current]");
if (CURRENT) MENU.scrollTop = CURRENT.offsetTop - MENU.offsetTop - MENU.clientHeight / 2;
